"""Tracking: from the faces of every frame to the main face over time, with interpolated gaps."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dheads_model.errors import ClipFiltered
from dheads_model.faces.landmarks import COUNT, box_of, eye_distance
from dheads_model.faces.track_settings import TrackSettings


@dataclass(frozen=True)
class Track:
    """One face over the T frames of a clip.

    landmarks: float32 `[T, 68, 2]` pixels. detected: bool `[T]`, False where interpolated. faces: int16 `[T]`, number of
    detected faces. other_boxes: for each frame float32 `[n, 4]`, x0 y0 x1 y1 of the other faces.
    """

    landmarks: np.ndarray
    detected: np.ndarray
    faces: np.ndarray
    other_boxes: list[np.ndarray]

    @property
    def longest_gap(self) -> int:
        """Frames of the longest run without a detection."""
        return _longest_run(~self.detected)


def track_face(faces_by_frame: Iterable[list[np.ndarray]], settings: TrackSettings) -> Track:
    """The track of the main face of a clip.

    Raises ClipFiltered: too_short, too_long, no_face, face_too_small, face_jump (another face follows, as at a cut),
    face_gap (no face for longer than max_gap_frames).
    """
    frames = []
    for faces in faces_by_frame:
        frames.append(faces)
        if len(frames) > settings.max_frames:
            raise ClipFiltered("too_long", f"more than {settings.max_frames} frames")
    if len(frames) < settings.min_frames:
        raise ClipFiltered("too_short", f"{len(frames)} frames, at least {settings.min_frames} are needed")
    members = _main_face(frames, settings)
    if not members:
        raise ClipFiltered("no_face", f"no face in {len(frames)} frames")
    detected = np.zeros(len(frames), dtype=bool)
    detected[list(members)] = True
    gap = _longest_run(~detected)
    if gap > settings.max_gap_frames:
        reason = "face_jump" if _another_takes_over(frames, detected, settings.max_gap_frames) else "face_gap"
        raise ClipFiltered(reason, f"the main face is missing for {gap} frames, {settings.max_gap_frames} are allowed")
    landmarks = fill_gaps(np.stack([frames[i][members[i]] for i in sorted(members)]), detected)
    distance = float(np.median(eye_distance(landmarks)))
    if distance < settings.min_eye_distance:
        raise ClipFiltered("face_too_small", f"the eyes are {distance:.0f} pixels apart")
    others = [
        np.array([box_of(face) for j, face in enumerate(faces) if j != members.get(i)], dtype=np.float32).reshape(-1, 4)
        for i, faces in enumerate(frames)
    ]
    counts = np.array([len(faces) for faces in frames], dtype=np.int16)
    return Track(landmarks, detected, counts, others)


def fill_gaps(found: np.ndarray, detected: np.ndarray) -> np.ndarray:
    """Landmarks of all frames, float32 `[T, 68, 2]`, from those of the detected ones `[sum(detected), 68, 2]`.

    Linear in time between detections; before the first and after the last the nearest is repeated.
    """
    frames = np.arange(len(detected))
    known = np.flatnonzero(detected)
    flat = found.reshape(len(known), -1)
    filled = np.stack([np.interp(frames, known, column) for column in flat.T], axis=1)
    return filled.reshape(-1, COUNT, 2).astype(np.float32)


def _main_face(frames: list[list[np.ndarray]], settings: TrackSettings) -> dict[int, int]:
    """{frame: index of its face} of the face with the largest sum of sizes over the clip."""
    tracks: list[dict[int, int]] = []
    ends: list[tuple[int, np.ndarray, float]] = []  # last frame, centre, size of each track
    totals: list[float] = []
    for i, faces in enumerate(frames):
        places = [(face.mean(axis=0), float(eye_distance(face))) for face in faces]
        pairs = sorted(
            (float(np.linalg.norm(centre - end[1])) / end[2], t, j)
            for j, (centre, _) in enumerate(places)
            for t, end in enumerate(ends)
            if i - end[0] <= settings.max_gap_frames + 1
        )
        taken: dict[int, int] = {}
        for distance, t, j in pairs:
            # The allowed distance grows with the number of frames without the face.
            if distance <= settings.max_jump * (i - ends[t][0]) and j not in taken and t not in taken.values():
                taken[j] = t
        for j, (centre, size) in enumerate(places):
            if j not in taken:
                taken[j] = len(tracks)
                tracks.append({})
                totals.append(0.0)
                ends.append((i, centre, size))
            t = taken[j]
            tracks[t][i] = j
            totals[t] += size
            ends[t] = (i, centre, max(size, 1e-3))
    return tracks[int(np.argmax(totals))] if tracks else {}


def _another_takes_over(frames: list[list[np.ndarray]], detected: np.ndarray, max_gap_frames: int) -> bool:
    """Whether most frames at the beginning of the longest gap show another face: a cut, not a gap."""
    start, end = max(_runs(~detected), key=lambda run: run[1] - run[0])
    near = range(start, start + max_gap_frames + 1) if start else range(end - max_gap_frames - 1, end)
    return sum(bool(frames[index]) for index in near) > len(near) / 2


def _longest_run(mask: np.ndarray) -> int:
    return max((end - start for start, end in _runs(mask)), default=0)


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """(first, one past last) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
