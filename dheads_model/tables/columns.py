"""The columns of a table: names, directions, and one line of explanation each."""

from collections.abc import Collection
from dataclasses import dataclass

HIGHER, LOWER, CLOSEST, UNJUDGED = "higher", "lower", "closest", "unjudged"


@dataclass(frozen=True)
class Column:
    """One metric in a table. better: higher, lower, closest to the ground truth's, or unjudged, where a good mean can
    hide bad clips (lags of both signs). by_frames: clips count by their length, so that events a second are pooled
    events over pooled seconds. optional: shown only where it was measured."""

    metric: str
    title: str
    better: str
    digits: int
    explanation: str
    by_frames: bool = False
    optional: bool = False


COLUMNS = (
    Column("mouth_truth_correlation", "mouth-truth corr.", HIGHER, 3,
           "correlation of the mouth's opening with that of the ground truth over a clip's frames; 0 for a still mouth. The "
           "ground truth's own is not 1: its landmarks are found in the video, those that it is held against in the source, "
           "and the difference is what the measurement cannot tell"),
    Column("mouth_audio_correlation", "mouth-audio corr.", CLOSEST, 3,
           "correlation of mouth opening and loudness over a clip's frames; 0 for a still mouth. Of the embedded corpus only, "
           "whose mouths open with the sound: on real speech it is about 0, also for the ground truth (-0.03 ± 0.27 on 53 "
           "clips)"),
    Column("mouth_audio_lag", "lag", UNJUDGED, 2,
           "frames by which the mouth follows the sound where they correlate best, within 4; refused for clips without a "
           "significant best"),
    Column("sync_confidence", "sync conf.", CLOSEST, 3,
           "by the config's own sync encoder: mean cosine at the best shift of the sound less the median over shifts",
           optional=True),
    Column("sync_offset", "sync offset", UNJUDGED, 2,
           "frames by which the mouth follows the sound at that shift, within 4", optional=True),
    Column("head_motion", "head motion", CLOSEST, 4,
           "spread over a clip of the head's place, size, tilt, turn and nod within the crop, which follows slow motion by itself; "
           "by the eyes' corners and the nose's tip, in eye distances"),
    Column("blinks_per_second", "blinks/s", CLOSEST, 3, "blinks of all clips over their seconds", by_frames=True),
    Column("blink_duration", "blink s", CLOSEST, 3, "mean duration of a clip's blinks in seconds"),
    Column("lmd_mouth", "LMD mouth", LOWER, 3, "distance of mouth points, mouths centred, in pixels of the crop"),
    Column("lmd_face", "LMD face", LOWER, 3, "distance of all 68 points in pixels of the crop"),
    Column("psnr", "PSNR", HIGHER, 2, "decibels, frame by frame"),
    Column("ssim", "SSIM", HIGHER, 4, "structural similarity, Gaussian window"),
    Column("cpbd", "CPBD", CLOSEST, 4, "share of edges whose blur is not seen (Narvekar and Karam 2011), mean over frames"),
    Column("optical_flow", "flow", CLOSEST, 4, "mean optical flow in pixels a frame at 128 x 128"),
    Column("frame_mse", "F-MSE", CLOSEST, 2, "mean squared difference of consecutive frames"),
    Column("ofm_paper", "OFM (published)", CLOSEST, 2,
           "flow as the published script computes it: the mean of a colour-mapped, normalised picture"),
    Column("fmse_paper", "F-MSE (published)", CLOSEST, 2,
           "frame difference as published: squares of bytes, which wrap modulo 256"),
)  # fmt: skip


def shown_columns(metrics: Collection[str]) -> list[Column]:
    """The columns of a table that has rows of these metrics: all but the optional ones without any."""
    return [column for column in COLUMNS if not column.optional or column.metric in metrics]
