"""The ways in which work may stop, and the exit codes of commands: the user must act, a signal asks to stop, a clip is
left out on purpose, a clip broke."""

# Exit codes of all commands; docs/robustness.md has the table. argparse ends with EXIT_USER_ERROR too.
EXIT_FAILED = 1  # a mistake of the code, with its traceback; or a comparison that found a difference
EXIT_USER_ERROR = 2  # something a person has to mend, told in one sentence
EXIT_RETRY = 75  # a scheduler's signal stopped a training, whose state is saved; EX_TEMPFAIL of sysexits.h
EXIT_INTERRUPTED = 130  # Ctrl-C; 128 + SIGINT

# What each means: dheads_model/reasons.py.
FILTER_REASONS = (
    "listed_bad",
    "no_audio",
    "silent_audio",
    "no_video",
    "too_large",
    "too_short",
    "too_long",
    "no_face",
    "face_gap",
    "face_too_small",
    "face_jump",
)
FAIL_REASONS = (
    "not_fetched",
    "missing_file",
    "source_changed",
    "unreadable",
    "damaged",
    "crashed",
)


class UserError(Exception):
    """Something a person has to mend; the message is one sentence: what is wrong, where, what to write instead."""


class Interrupted(Exception):
    """A signal asked a training to stop; its state is saved. `exit_code`: what the command ends with."""

    def __init__(self, sentence: str, exit_code: int = EXIT_RETRY):
        super().__init__(sentence)
        self.exit_code = exit_code


class ClipFiltered(Exception):
    """A clip is left out on purpose. `reason` is one of FILTER_REASONS; `detail` is one sentence."""

    def __init__(self, reason: str, detail: str = ""):
        if reason not in FILTER_REASONS:
            raise ValueError(f"{reason!r} is not in FILTER_REASONS")
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


class ClipFailed(Exception):
    """A clip broke and is worth another try. `reason` is one of FAIL_REASONS; `detail` is one sentence."""

    def __init__(self, reason: str, detail: str = ""):
        if reason not in FAIL_REASONS:
            raise ValueError(f"{reason!r} is not in FAIL_REASONS")
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail
