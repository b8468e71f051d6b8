"""The table of step counts as markdown."""

from dheads_model.metrics.liveliness import LEAST_LIVELY, PER_CLIP

_COLUMNS = (
    "steps", "NFE per frame", "mouth-audio correlation", "head motion", "sharpness (CPBD)", "blinks/s, long",
    "head motion, long", "drift, long", "sharpness kept, long", "lost",
)  # fmt: skip
_DIGITS = {"mouth_audio_correlation": 3, "head_motion": 4, "cpbd": 3}


def to_markdown(result: dict) -> str:
    """The result of benchmark_steps with an explanation."""
    lines = [
        f"{result['clips']} test clips ({result['clip_frames']} frames; mean ± sd over clips) and one video of "
        f"{result['long_frames']} frames of the first clip's person (long). `{result['command']}`, sampled on "
        f"{result['sampled_on']}. Drift: distance of the "
        "last two seconds' mean frame from that of the first two, in levels of 0..255. Sharpness kept: that of the "
        f"last two seconds divided by that of the first two. Lost: head motion or blinks below {LEAST_LIVELY:g} of those "
        "of the row with most steps.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|" + "---|" * len(_COLUMNS),
    ]
    for name, row in result["rows"].items():
        clips, long = row["clips"], row.get("long") or {}
        cells = [name, str(row.get("passes") or "-")]
        cells += [_spread(clips[metric], _DIGITS[metric]) for metric in PER_CLIP]
        cells += [
            _number(long.get("blinks_per_second"), 2),
            _number(long.get("head_motion"), 4),
            _number((long.get("drift") or {}).get("last"), 2),
            _number(long.get("sharpness_kept"), 2),
            row.get("lost") or "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    truth = result["rows"].get("ground truth")
    if truth:
        lines += ["", f"The real clips have {_number(truth['clips']['blinks_per_second'], 2)} blinks/s."]
    return "\n".join(lines) + "\n"


def _spread(cell: dict, digits: int) -> str:
    if cell["mean"] is None:
        return "-"
    return f"{cell['mean']:.{digits}f}" + ("" if cell["sd"] is None else f" ± {cell['sd']:.{digits}f}")


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
