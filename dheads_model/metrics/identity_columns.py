"""The per-clip metric of identity for one embedder. Standard library only."""

from collections.abc import Callable

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import ANY, CLOSEST, HIGHER, LOWER, Column
from dheads_model.metrics.measurement import Measurement


def identity_metric(
    embedder: str, title: str, words: str, place: int, requested: str, open_embedder: Callable,
    between: tuple[str, str] = ("", ""), weights: tuple[str, ...] = (),
) -> ClipMetric:  # fmt: skip
    """The five columns of an embedder that `words` describes, its name at the end of each metric's.

    open_embedder: called with the folder of weights, returns the `identity.Embed`. between: what cosine and
    distance are between two people, "" where that was not measured. Others: see ClipMetric.
    """

    def measure(clip: MeasuredClip) -> list[Measurement]:
        """See `measure_identity_of_frames`; raises UserError where a package or its weights are not installed, or other ones."""
        from dheads_model.metrics.identity import measure_identity_of_frames

        return measure_identity_of_frames(
            embedder, open_embedder(clip.weights_folder), clip.frames, clip.landmarks, clip.reference,
            clip.reference_landmarks, clip.is_reference,
        )  # fmt: skip

    columns = (
        Column(f"csim_truth_{embedder}", f"CSIM ({title})", HIGHER, 3,
               f"cosine of {words} of a frame and of the same frame of the ground truth, mean over the frames looked at"
               f"{between[0]}", optional=True, span=(-1.0, 1.0)),
        Column(f"csim_still_{embedder}", f"CSIM, still ({title})", HIGHER, 3,
               "the same with the first frame of the ground truth instead", optional=True, span=(-1.0, 1.0)),
        Column(f"acd_still_{embedder}", f"ACD ({title})", LOWER, 3,
               "distance of those embeddings to that of the first frame of the ground truth (SDA), mean over frames"
               f"{between[1]}", optional=True),
        Column(f"acd_pairs_{embedder}", f"ACD-C ({title})", LOWER, 3,
               "mean distance of the embeddings of all pairs of a clip's frames (MoCoGAN)", optional=True),
        Column(f"acd_drift_{embedder}", f"ACD drift ({title})", CLOSEST, 3,
               f"ACD ({title}) of the last third of the frames looked at minus that of the first third: above 0 for a face that "
               "becomes another one", optional=True, span=ANY),
    )  # fmt: skip
    return ClipMetric(
        place=place, measure=measure, by_landmarks=True, requested=requested, weights=weights, columns=columns
    )
