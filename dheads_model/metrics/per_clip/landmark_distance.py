"""Distances of landmarks from those of the ground truth."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import LOWER, Column
from dheads_model.metrics.measurement import Measurement


def measure(clip: MeasuredClip) -> list[Measurement]:
    """The six definitions of dheads_model/metrics/landmark_distance.py."""
    from dheads_model.metrics import landmark_distance

    found, truth = clip.landmarks, clip.reference_landmarks
    return [
        Measurement("lmd_mouth", landmark_distance.mouth_distance(found, truth)),
        Measurement("lmd_mouth_aligned", landmark_distance.aligned_mouth_distance(found, truth, clip.frames.shape[1])),
        Measurement("lmd_face", landmark_distance.face_distance(found, truth)),
        Measurement("lmd_atvgnet", landmark_distance.atvgnet_distance(found, truth)),
        Measurement("lmd_vico", landmark_distance.vico_distance(found, truth)),
        Measurement("akd_fomm", landmark_distance.fomm_distance(found, truth, clip.frames.shape[1])),
    ]


METRIC = ClipMetric(
    place=60,
    by_landmarks=True,
    measure=measure,
    columns=(
        Column("lmd_mouth", "LMD (mouth)", LOWER, 3, "mean distance of mouth points, mouths centred, in pixels of the crop"),
        Column("lmd_mouth_aligned", "LMD (mouth, soft-DTW)", LOWER, 3,
               "the same along the expected soft-DTW alignment in time (Cuturi and Blondel 2017): mouths may be up to 5 frames "
               "early or late at no cost"),
        Column("lmd_face", "LMD (face)", LOWER, 3, "mean distance of all 68 points in pixels of the crop"),
        Column("lmd_atvgnet", "LMD (ATVGnet)", LOWER, 2,
               "as Chen et al. 2019 define it: sum of the distances of the 20 mouth points, mouths centred"),
        Column("lmd_vico", "LMD (ViCo)", LOWER, 3,
               "as in the ViCo challenge: mean absolute difference of the mouth points' coordinates, not centred"),
        Column("akd_fomm", "AKD (FOMM)", LOWER, 3,
               "as Siarohin et al. 2019 define it: mean absolute difference of all points' coordinates, in pixels of 256"),
    ),
)  # fmt: skip
