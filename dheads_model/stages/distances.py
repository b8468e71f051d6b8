"""Distance of a method's videos from the real clips, from the features of both, and its file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.files import write_json
from dheads_model.manifest import read_manifest, verify_file
from dheads_model.metrics.distribution import SetMeasurement, halves, stack_clips
from dheads_model.metrics.measurement import UNDEFINED
from dheads_model.metrics.set_distance import SetDistance
from dheads_model.stages.feature_files import read_features

# A half with one clip has no spread of clips within it.
LEAST_REAL = 4


@dataclass(frozen=True)
class MethodDistances:
    """The figures of one distance for a method on a dataset. about: settings of the features in words, "" without any."""

    dataset: str
    method: str
    distance: str
    about: str
    measurements: tuple[SetMeasurement, ...]


def measure_distance(
    distance: SetDistance, real: Sequence[Path | str], generated: Sequence[Path | str], is_reference: bool
) -> list[SetMeasurement]:
    """Every column of a distance. real, generated: manifests of the features of all test shards of a dataset.

    is_reference: the videos are the ground truth itself, whose distance from itself is 0 and says nothing. Its two halves
    are compared instead: how far apart real clips lie. A Fréchet distance of so few frames that its covariance lacks rank
    is refused there, because it can be compared with no other row.
    """
    truth, videos = _clips(real, distance.size), _clips(generated, distance.size)
    if is_reference and len(truth) < LEAST_REAL:
        why = f"the ground truth against itself says nothing, and {len(truth)} clips are too few for two halves"
        return [_refused(name, len(truth), len(truth), why) for name in distance.names()]
    if not truth or not videos:
        why = f"{len(truth)} real and {len(videos)} generated clips have features"
        return [_refused(name, len(truth), len(videos), why) for name in distance.names()]
    if not is_reference:
        found = distance.measure(stack_clips(truth), stack_clips(videos))
    else:
        found = [_of_halves(one) for one in distance.measure(*halves(stack_clips(truth)))]
    if [one.metric for one in found] != distance.names():
        raise ValueError(f"a distance with the columns {distance.names()} measured {[one.metric for one in found]}.")
    return found


def write_distances(path: Path | str, found: MethodDistances) -> None:
    """Write the figures as JSON."""
    write_json(path, asdict(found))


def read_distances(path: Path | str) -> MethodDistances:
    """Figures that were written; raises UserError for a file that is damaged."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        parts = [
            SetMeasurement(**{**one, "clips": tuple(one["clips"]), "frames": tuple(one["frames"])})
            for one in content.pop("measurements")
        ]
        return MethodDistances(**content, measurements=tuple(parts))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(
            f"{path} is not a usable file of distances ({problem}); delete it to make it again."
        ) from problem


def _clips(manifests: Sequence[Path | str], size: int) -> list[np.ndarray]:
    """Features of every clip, in the order of their names: the order decides which clips a draw takes."""
    found: list[tuple[str, np.ndarray]] = []
    for path in manifests:
        found += read_features(verify_file(path, read_manifest(path).files[0]), size)
    return [rows for _, rows in sorted(found, key=lambda one: one[0]) if len(rows)]


def _of_halves(one: SetMeasurement) -> SetMeasurement:
    """What two halves of the ground truth say; refused where the value carries a warning."""
    if one.value is None:
        return replace(one, reason=f"two halves of the real clips: {one.reason}")
    if one.note:
        return replace(
            one, value=None, status=UNDEFINED, reason=f"two halves of the real clips: {one.note}", note="", spread=None
        )
    return replace(one, note="two halves of the real clips")


def _refused(name: str, real: int, generated: int, why: str) -> SetMeasurement:
    return SetMeasurement(name, None, (real, generated), (0, 0), UNDEFINED, why)
