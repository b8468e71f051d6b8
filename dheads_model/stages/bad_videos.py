"""Videos that are bad on purpose, made of the ground truth of a shard, and what every metric says of them.

They show whether the metrics move the way they must (tests/end_to_end/test_bad_videos.py, docs/metrics.md).
"""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from dheads_model.errors import UserError
from dheads_model.faces.landmarks import MOUTH, eye_distance
from dheads_model.faces.redetect import detect_in_crops
from dheads_model.media.clock import SAMPLES_PER_FRAME
from dheads_model.metrics.clip import measure_clip
from dheads_model.metrics.clip_metric import ClipMetric
from dheads_model.metrics.phones import NOT_TIMED, SpokenPhones
from dheads_model.metrics.registry import COLUMNS
from dheads_model.metrics.signals import mouth_opening
from dheads_model.shards.reader import ShardClip, read_shard

BLUR_SIGMA = 2.0
MOST_CLIPS, MOST_OF_A_SPEAKER = 16, 8


@dataclass(frozen=True)
class BadVideo:
    """What is measured in place of a clip: frames uint8 `[T, S, S, 3]`, audio int16 `[640 T]` and the phones in it."""

    frames: np.ndarray
    audio: np.ndarray
    phones: SpokenPhones


@dataclass(frozen=True)
class TimedClip:
    """A clip of a shard and its phones."""

    clip: ShardClip
    phones: SpokenPhones


def held_open(clip: ShardClip) -> np.ndarray:
    """The frames with the mouth of the frame in which it is open widest, placed by eyes and nose, edges blended."""
    frames, points = clip.frames, clip.landmarks.astype(np.float64)
    source = int(mouth_opening(clip.landmarks).argmax())
    stable = [36, 39, 42, 45, 27, 30]
    mouth = points[source, MOUTH]
    centre, reach = mouth.mean(axis=0), 0.75 * float(np.median(eye_distance(clip.landmarks)))
    result = []
    for frame, shape in zip(frames, points, strict=True):
        move, _ = cv2.estimateAffinePartial2D(points[source, stable], shape[stable], method=cv2.LMEDS)
        size = frame.shape[1::-1]
        pasted = cv2.warpAffine(frames[source], move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        x, y = move @ [*centre, 1.0]
        across = np.hypot((np.arange(size[0]) - x)[None], (np.arange(size[1]) - y)[:, None] / 0.8) / reach
        share = np.clip(2 * (1 - across), 0, 1)[..., None]
        result.append(np.rint(share * pasted + (1 - share) * frame).astype(np.uint8))
    return np.stack(result)


def _late(frames: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([np.repeat(frames[:1], count, axis=0), frames[:-count]])


def _fitted(values: np.ndarray, count: int) -> np.ndarray:
    """The first `count` rows, from the start again where there are fewer."""
    return values[np.arange(count) % len(values)]


def _of_another(
    timed: TimedClip, others: Sequence[TimedClip], differs: Callable[[ShardClip], bool], what: str
) -> TimedClip:
    found = next((other for other in others if differs(other.clip)), None)
    if found is None:
        raise UserError(f"no other clip of the shard has {what} than {timed.clip.clip}; give a shard with more clips.")
    return found


def _other_sentence(timed: TimedClip, others: Sequence[TimedClip]) -> BadVideo:
    clip = timed.clip
    other = _of_another(timed, others, lambda one: one.transcript != clip.transcript, "another transcript")
    audio = other.clip.audio.reshape(-1, SAMPLES_PER_FRAME)
    return BadVideo(clip.frames, _fitted(audio, len(clip.frames)).reshape(-1), other.phones)


def _other_person(timed: TimedClip, others: Sequence[TimedClip]) -> np.ndarray:
    other = _of_another(timed, others, lambda one: one.speaker != timed.clip.speaker, "another speaker")
    return _fitted(other.clip.frames, len(timed.clip.frames))


def _blurred(frames: np.ndarray) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(frame, (0, 0), BLUR_SIGMA) for frame in frames])


def _of_frames(change: Callable[[ShardClip], np.ndarray]) -> Callable[[TimedClip, Sequence[TimedClip]], BadVideo]:
    return lambda timed, others: BadVideo(change(timed.clip), timed.clip.audio, timed.phones)


BAD_VIDEOS: Mapping[str, Callable[[TimedClip, Sequence[TimedClip]], BadVideo]] = {
    "untouched": _of_frames(lambda clip: clip.frames),
    "frozen": _of_frames(lambda clip: np.repeat(clip.frames[:1], len(clip.frames), axis=0)),
    "sound of another sentence": _other_sentence,
    "3 frames late": _of_frames(lambda clip: _late(clip.frames, 3)),
    "5 frames late": _of_frames(lambda clip: _late(clip.frames, 5)),
    "blurred": _of_frames(lambda clip: _blurred(clip.frames)),
    "twice as bright": _of_frames(lambda clip: (2 * clip.frames.astype(np.int32)).clip(max=255).astype(np.uint8)),
    "another person": lambda timed, others: BadVideo(_other_person(timed, others), timed.clip.audio, timed.phones),
    "lips held open": _of_frames(held_open),
}
"""{what is wrong: function of a clip and the other clips of its shard}, the untouched clip first."""


def measure_bad_videos(
    clips: Sequence[TimedClip],
    metrics: Mapping[str, ClipMetric],
    faults: Sequence[str] = tuple(BAD_VIDEOS),
    backend: str = "mediapipe",
    precision: str = "float32",
    weights_folder: str = "resources/weights",
) -> pd.DataFrame:
    """One row a fault, clip and metric: fault, clip, frames, metric, value, status, reason.

    faults: keys of BAD_VIDEOS. Landmarks are detected in every bad video with `backend`. Raises UserError for a shard whose
    clips are all of one speaker or one sentence.
    """
    rows = []
    for number, timed in enumerate(clips):
        others = [*clips[number + 1 :], *clips[:number]]
        for fault in faults:
            bad = BAD_VIDEOS[fault](timed, others)
            landmarks, seen = detect_in_crops(bad.frames, backend, weights_folder, precision)
            found = measure_clip(
                bad.frames, timed.clip.frames, bad.audio, landmarks, seen, timed.clip.landmarks, False, metrics,
                weights_folder, bad.phones, timed.clip.facts.get("word", ""),
            )  # fmt: skip
            about = {"fault": fault, "clip": timed.clip.clip, "frames": len(bad.frames)}
            rows += [about | asdict(one) for one in found]
    return pd.DataFrame(rows).astype({"value": "float64"})


def some_clips(shards: Sequence[Path | str], phones: Mapping[str, SpokenPhones]) -> list[TimedClip]:
    """The first MOST_CLIPS clips of packed shards, at most MOST_OF_A_SPEAKER of one speaker, with their phones."""
    taken: list[TimedClip] = []
    counts: Counter[str] = Counter()
    for clip in itertools.chain.from_iterable(map(read_shard, shards)):
        if counts[clip.speaker] < MOST_OF_A_SPEAKER:
            counts[clip.speaker] += 1
            taken.append(TimedClip(clip, phones.get(clip.clip, NOT_TIMED)))
        if len(taken) == MOST_CLIPS:
            break
    return taken


def to_markdown(values: pd.DataFrame) -> str:
    """A row a metric, a column a fault: means over the clips with a value, and their number where it is not all."""
    means, clips = means_by_fault(values), values["clip"].nunique()
    counts = values.dropna(subset="value").groupby(["metric", "fault"])["clip"].nunique()
    lines = ["| metric | " + " | ".join(BAD_VIDEOS) + " |", "|---|" + "---|" * len(BAD_VIDEOS)]
    for column in (one for one in COLUMNS if one.metric in means.index):
        cells = []
        for fault in BAD_VIDEOS:
            n = int(counts.get((column.metric, fault), 0))
            text = f"{means.loc[column.metric, fault]:.{column.digits}f}" if n else "–"
            cells.append(text if n in (0, clips) else f"{text} (n = {n})")
        if any(cell != "–" for cell in cells):
            lines.append(f"| {column.title} | " + " | ".join(cells) + " |")
    return "\n".join([f"Means over {clips} clips.", "", *lines]) + "\n"


def means_by_fault(values: pd.DataFrame) -> pd.DataFrame:
    """Mean over the clips that have a value: a row a metric, a column a fault; NaN where no clip has one."""
    table = values.pivot_table("value", "metric", "fault", dropna=False, sort=False)
    return table.reindex(columns=[fault for fault in BAD_VIDEOS if fault in set(values["fault"])])
