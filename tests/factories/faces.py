"""Landmarks, and a detector that knows where the face is."""

import numpy as np

from dheads_model.faces.key_frames import detect_by_key_frames


def landmarks(count=50):
    """`[count, 68, 2]` of a face that does not move, eyes open, 30 pixels apart."""
    points = np.random.default_rng(0).uniform(30, 90, (68, 2))
    points[36:42] = [[40, 50], [43, 47], [47, 47], [50, 50], [47, 53], [43, 53]]
    points[42:48] = points[36:42] + [30, 0]
    return np.repeat(points[None], count, axis=0)


class Moving:
    """A face 40 pixels wide whose place is the brightness of the frame; landmarks are the centre of the box."""

    def __init__(self, hidden=()):
        self.looked, self.batches, self.hidden = [], [], hidden

    def find_boxes(self, frames):
        places = [float(frame[0, 0, 0]) for frame in frames]
        self.looked += places
        return [
            np.zeros((0, 4)) if place in self.hidden else np.array([[place - 20, 80, place + 20, 120]])
            for place in places
        ]

    def find_landmarks(self, pairs):
        self.batches.append(len(pairs))
        return [np.full((68, 2), [(box[0] + box[2]) / 2, 100.0], np.float32) for _, box in pairs]

    def detect(self, count):
        frames = (np.full((4, 4, 3), place) for place in range(count))
        return list(detect_by_key_frames(frames, self.find_boxes, self.find_landmarks, 1))
