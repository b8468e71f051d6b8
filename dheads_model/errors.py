"""The three ways in which work may stop: the user must act, a clip is left out on purpose, a clip broke."""

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
