"""Whether the face stays the person of its ground truth and of the still image, by dlib's embedding."""

import functools

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import ANY, CLOSEST, HIGHER, LOWER, Column
from dheads_model.metrics.measurement import Measurement


@functools.cache
def _embedder():
    from dheads_model.metrics.networks.dlib_embedding import open_dlib_embedding

    return open_dlib_embedding()


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `measure_identity_of_frames`; raises UserError where dlib or its weights are not installed."""
    from dheads_model.metrics.identity import measure_identity_of_frames

    return measure_identity_of_frames(
        "dlib", _embedder(), clip.frames, clip.landmarks, clip.reference, clip.reference_landmarks, clip.is_reference
    )


METRIC = ClipMetric(
    place=87,
    measure=measure,
    by_landmarks=True,
    requested="identity",
    columns=(
        Column("csim_truth_dlib", "CSIM (dlib)", HIGHER, 3,
               "cosine of dlib's 128-d face embeddings of a frame and of the same frame of the ground truth, mean over the frames "
               "looked at; between two people about 0.84", optional=True),
        Column("csim_still_dlib", "CSIM, still (dlib)", HIGHER, 3,
               "the same with the first frame of the ground truth instead", optional=True),
        Column("acd_still_dlib", "ACD (dlib)", LOWER, 3,
               "distance of those embeddings to that of the first frame of the ground truth (SDA), mean over frames; between two "
               "people about 0.8", optional=True),
        Column("acd_pairs_dlib", "ACD-C (dlib)", LOWER, 3,
               "mean distance of the embeddings of all pairs of a clip's frames (MoCoGAN)", optional=True),
        Column("acd_drift_dlib", "ACD drift (dlib)", CLOSEST, 3,
               "ACD (dlib) of the last third of the frames looked at minus that of the first third: above 0 for a face that "
               "becomes another one", optional=True, span=ANY),
    ),
)  # fmt: skip
