"""Exceptions and exit codes of commands: the user has to fix something, a signal stops a training or the sampling, a clip is
filtered, a clip failed."""

# Exit codes of all commands; docs/robustness.md has the table. argparse ends with EXIT_USER_ERROR too.
EXIT_FAILED = 1  # a bug, with its traceback; or a comparison that found a difference
EXIT_USER_ERROR = 2  # something the user has to fix; the message is one sentence
EXIT_RETRY = 75  # a scheduler's signal stopped a job that the next try continues; EX_TEMPFAIL of sysexits.h
EXIT_INTERRUPTED = 130  # Ctrl-C; 128 + SIGINT

# Meanings: dheads_model/reasons.py.
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
    """Something the user has to fix; the message is one sentence: what is wrong, where, what to write instead."""


class Interrupted(Exception):
    """A signal stopped a training or the sampling; the next try continues it. `exit_code`: what the command ends with."""

    def __init__(self, sentence: str, exit_code: int = EXIT_RETRY):
        super().__init__(sentence)
        self.exit_code = exit_code


class ClipFiltered(Exception):
    """A clip is filtered, that is, left out deliberately. `reason` is one of FILTER_REASONS; `detail` is one sentence."""

    def __init__(self, reason: str, detail: str = ""):
        if reason not in FILTER_REASONS:
            raise ValueError(f"{reason!r} is not in FILTER_REASONS")
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


class ClipFailed(Exception):
    """A clip failed, and may succeed in another run. `reason` is one of FAIL_REASONS; `detail` is one sentence."""

    def __init__(self, reason: str, detail: str = ""):
        if reason not in FAIL_REASONS:
            raise ValueError(f"{reason!r} is not in FAIL_REASONS")
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail
