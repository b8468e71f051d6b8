"""The columns of a table: names, directions, and one line of explanation each."""

import math
from collections.abc import Collection
from dataclasses import dataclass

_ANY, _CORRELATION = (-math.inf, math.inf), (-1.0, 1.0)
HIGHER, LOWER, CLOSEST, UNJUDGED = "higher", "lower", "closest", "unjudged"


@dataclass(frozen=True)
class Column:
    """One metric in a table. better: higher, lower, closest to the ground truth's, or unjudged, where a good mean can
    hide bad clips (lags of both signs). by_frames: clips count by their length, so that events a second are pooled
    events over pooled seconds. optional: shown only where it was measured. span: between what values can lie, and so the
    ends of an interval."""

    metric: str
    title: str
    better: str
    digits: int
    explanation: str
    by_frames: bool = False
    optional: bool = False
    span: tuple[float, float] = (0.0, math.inf)


COLUMNS = (
    Column("mouth_truth_correlation", "mouth-truth corr.", HIGHER, 3,
           "correlation of the mouth's opening with that of the ground truth over a clip's frames; 0 for a still mouth. The "
           "ground truth's own is not 1: its landmarks are found in the video, those that it is held against in the source, "
           "and the difference is what the measurement cannot tell", span=_CORRELATION),
    Column("mouth_audio_correlation", "mouth-audio corr.", CLOSEST, 3,
           "correlation of mouth opening and loudness over a clip's frames; 0 for a still mouth. Of the embedded corpus only, "
           "whose mouths open with the sound: on real speech it is about 0, also for the ground truth (-0.03 ± 0.27 on 53 "
           "clips)", span=_CORRELATION),
    Column("mouth_audio_lag", "lag", UNJUDGED, 2,
           "frames by which the mouth follows the sound where they correlate best, within 4; refused for clips without a "
           "significant best", span=_ANY),
    Column("sync_confidence", "sync conf.", CLOSEST, 3,
           "by the config's own sync encoder: mean cosine at the best shift of the sound less the median over shifts",
           optional=True),
    Column("sync_offset", "sync offset", UNJUDGED, 2,
           "frames by which the mouth follows the sound at that shift, within 4", optional=True,
           span=_ANY),
    Column("head_motion", "head motion", CLOSEST, 4,
           "spread over a clip of the head's place, size, tilt, turn and nod within the crop, which follows slow motion by itself; "
           "by the eyes' corners and the nose's tip, in eye distances"),
    Column("blinks_per_second", "blinks/s", CLOSEST, 3,
           "blinks of all clips over their seconds, by the rule of the counter that the paper's authors name and the project's "
           "landmarks; a closing of the eyes slower than 0.072 of their height over width a frame does not count",
           by_frames=True),
    Column("blink_duration", "blink s", CLOSEST, 3, "mean duration of a clip's blinks in seconds"),
    Column("blinks_per_second_published", "blinks/s (published)", CLOSEST, 3,
           "blinks of all clips over their seconds, by the landmarks of the counter that the paper's authors name: dlib, frame "
           "by frame, on pictures enlarged twice", by_frames=True, optional=True),
    Column("blink_duration_published", "blink s (published)", CLOSEST, 3, "mean duration of those in a clip, in seconds",
           optional=True),
    Column("lmd_mouth", "LMD mouth", LOWER, 3, "distance of mouth points, mouths centred, in pixels of the crop"),
    Column("lmd_face", "LMD face", LOWER, 3, "distance of all 68 points in pixels of the crop"),
    Column("lmd_atvgnet", "LMD (ATVGnet)", LOWER, 2,
           "as Chen et al. 2019 define it: the distances of the 20 mouth points added up, mouths centred"),
    Column("lmd_vico", "LMD (ViCo)", LOWER, 3,
           "as in the ViCo challenge: mean absolute difference of the mouth points' coordinates, not centred"),
    Column("akd_fomm", "AKD (FOMM)", LOWER, 3,
           "as Siarohin et al. 2019 define it: mean absolute difference of all points' coordinates, in pixels of 256"),
    Column("psnr", "PSNR", HIGHER, 2, "decibels, frame by frame"),
    Column("ssim", "SSIM", HIGHER, 4, "structural similarity, Gaussian window", span=_CORRELATION),
    Column("ms_ssim", "MS-SSIM", HIGHER, 4, "structural similarity on five scales, for crops of at least 161 pixels",
           optional=True),
    Column("cpbd", "CPBD", CLOSEST, 4, "share of edges whose blur is not seen (Narvekar and Karam 2011), mean over frames",
           span=(0.0, 1.0)),
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
