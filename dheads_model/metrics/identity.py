"""Whether a face stays the person it should be, from embeddings of it; one file for every embedder.

The embedder is part of a metric's name, since values of two embedders cannot be compared: `csim_dlib`. Definitions: CSIM is
a cosine (Zakharov et al. 2019, sec. 4), ACD a distance: to the still image in SDA (Vougioukas et al. 2019, sec. 4), between
all pairs of a clip's frames in MoCoGAN (Tulyakov et al. 2018, sec. 4).
"""

from collections.abc import Callable

import numpy as np

from dheads_model.errors import UserError
from dheads_model.metrics.measurement import NOT_APPLICABLE, Measurement, refuse
from dheads_model.metrics.sampled_frames import FRAMES_PER_CLIP, frames_to_take

IDENTITY_METRICS = ("csim_truth", "csim_still", "acd_still", "acd_pairs", "acd_drift")
# A face must be embedded in this share of the frames that were looked at, as for landmarks.
LEAST_SEEN = 0.8

Embed = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A frame uint8 RGB `[H, W, 3]` and its landmarks `[68, 2]` in pixels -> embedding float32 `[E]`."""


def csim(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines `[T]`, -1 .. 1, of embeddings `[T, E]`, row by row; one of the two may be a single embedding `[1, E]`."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    if not lengths.all():
        raise UserError("An embedding of length 0 has no direction; the embedder's weights are not those it needs.")
    return (first.astype(np.float64) * second).sum(axis=1) / lengths


def acd_still(embeddings: np.ndarray, still: np.ndarray) -> float:
    """Mean distance of a clip's embeddings `[T, E]` to that of the still image `[E]`, at least 0."""
    return float(np.linalg.norm(embeddings.astype(np.float64) - still, axis=1).mean())


def acd_pairs(embeddings: np.ndarray) -> float:
    """Mean distance between the embeddings `[T, E]` of all pairs of a clip's frames, at least 0; T at least 2."""
    if len(embeddings) < 2:
        raise UserError("Distances between frames of a clip need at least 2 embedded frames.")
    first, second = np.triu_indices(len(embeddings), k=1)
    return float(np.linalg.norm(embeddings[first].astype(np.float64) - embeddings[second], axis=1).mean())


def acd_drift(embeddings: np.ndarray, still: np.ndarray) -> float:
    """`acd_still` of the last third of a clip's embeddings `[T, E]`, in order, minus that of the first third; T at least 3.

    Above 0 for a face that becomes another one.
    """
    third = len(embeddings) // 3
    if not third:
        raise UserError("The drift of an identity needs at least 3 embedded frames.")
    return acd_still(embeddings[-third:], still) - acd_still(embeddings[:third], still)


def measure_identity(
    embedder: str,
    embeddings: np.ndarray,
    seen: np.ndarray,
    truth: np.ndarray,
    truth_seen: np.ndarray,
    is_reference: bool,
) -> list[Measurement]:
    """IDENTITY_METRICS of a clip, each name ending in `_{embedder}`.

    embeddings, truth: `[T, E]` of the same T frames of the video and of its ground truth, valid where seen, truth_seen
    bool `[T]`. The still image is the first frame of the ground truth; a video that begins with it does not count it.
    is_reference: the video is the ground truth itself. Refused where too few frames show a face, never a value of those
    few.
    """
    names = [f"{name}_{embedder}" for name in IDENTITY_METRICS]
    if reason := _unusable(seen, truth_seen):
        return [refuse(name, reason) for name in names]
    both = seen & truth_seen
    later = seen.copy()
    later[0] = False
    results = [
        refuse(names[0], "the ground truth against itself", NOT_APPLICABLE)
        if is_reference
        else Measurement(names[0], float(csim(embeddings[both], truth[both]).mean()))
    ]
    if not truth_seen[0]:
        results += [refuse(name, "no face in the still image") for name in names[1:3]]
        drift = refuse(names[4], "no face in the still image")
    else:
        results.append(Measurement(names[1], float(csim(embeddings[later], truth[:1]).mean())))
        results.append(Measurement(names[2], acd_still(embeddings[later], truth[0])))
        drift = (
            Measurement(names[4], acd_drift(embeddings[later], truth[0]))
            if later.sum() >= 3
            else refuse(names[4], "fewer than 3 frames after the still image")
        )
    return [*results, Measurement(names[3], acd_pairs(embeddings[seen])), drift]


def frames_to_embed(frames: int, wanted: int = FRAMES_PER_CLIP) -> np.ndarray:
    """Positions of the still image, frame 0, and of `wanted` frames spread over a clip of `frames`, ascending."""
    return np.union1d([0], frames_to_take(frames, wanted))


def measure_identity_of_frames(
    embedder: str, embed: Embed, frames: np.ndarray, landmarks: np.ndarray, reference: np.ndarray,
    reference_landmarks: np.ndarray, is_reference: bool,
) -> list[Measurement]:  # fmt: skip
    """`measure_identity` of a video and its ground truth, both uint8 RGB `[T, H, W, 3]` with landmarks `[T, 68, 2]`.

    Of the frames of `frames_to_embed`; landmarks as a clip's metrics get them, gaps filled.
    """
    taken = frames_to_embed(len(frames))
    seen = np.ones(len(taken), dtype=bool)
    made, truth = (
        np.stack([embed(pictures[k], points[k]) for k in taken])
        for pictures, points in ((frames, landmarks), (reference, reference_landmarks))
    )
    return measure_identity(embedder, made, seen, truth, seen, is_reference)


def _unusable(seen: np.ndarray, truth_seen: np.ndarray) -> str:
    if len(seen) < 2:
        return "fewer than 2 frames"
    for mask, what in ((seen, "the video"), (truth_seen, "the ground truth")):
        if mask.mean() < LEAST_SEEN or mask.sum() < 2:
            return f"a face was embedded in {int(mask.sum())} of {len(mask)} frames of {what}"
    return "" if (seen & truth_seen).any() and seen[1:].any() else "no frame in which both show a face"
