"""Boxes of rows and columns around the lips, and the masks and pixel weights that losses make of them."""

import torch
from torch import Tensor

LIPS = slice(48, 68)  # iBUG-68


def lip_boxes(
    target: Tensor, identity: Tensor, height: int, width: int, frame: str = "target", margin: int = 5
) -> Tensor:
    """Boxes around the lips for the paper's lip loss, int64 `[B, 4]`, as of `boxes_around`.

    target, identity: landmarks `[B, 68, 2]` (x, y) in pixels of the two frames. The paper uses the target frame, the
    published code the identity frame (frame "identity").
    """
    return boxes_around({"target": target, "identity": identity}[frame][:, LIPS], height, width, margin)


def boxes_around(points: Tensor, height: int, width: int, margin: int = 5) -> Tensor:
    """Boxes around points `[B, K, 2]` (x, y) in pixels, enlarged by `margin` pixels and clipped to the frame.

    int64 `[B, 4]`: rows floor(min y) - margin .. ceil(max y) + margin, the last excluded, then the same for columns.
    """
    low, high = points.amin(dim=1).floor() - margin, points.amax(dim=1).ceil() + margin
    rows = torch.stack([low[:, 1], high[:, 1]], dim=1).clamp(0, height)
    columns = torch.stack([low[:, 0], high[:, 0]], dim=1).clamp(0, width)
    return torch.cat([rows, columns], dim=1).long()


def box_mask(boxes: Tensor, height: int, width: int) -> Tensor:
    """Boxes `[B, 4]` of `boxes_around` as float masks `[B, 1, height, width]`, 1 inside.

    An empty box (landmarks outside of the frame) counts as the whole frame, so that no mean is over an empty set.
    """
    rows = torch.arange(height, device=boxes.device)[None, :, None]
    columns = torch.arange(width, device=boxes.device)[None, None, :]
    top, bottom, left, right = boxes[:, :, None, None].unbind(dim=1)
    empty = (bottom <= top) | (right <= left)
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return (inside | empty)[:, None].float()


def mouth_boxes(landmarks: Tensor, height: int, width: int, margin: float = 0.05) -> Tensor:
    """Boxes around the lips of landmarks `[B, 68, 2]`, int64 `[B, 4]`, enlarged on each side by a fraction of the height."""
    return boxes_around(landmarks[:, LIPS], height, width, round(margin * height))


def fixed_boxes(fractions: tuple[float, float, float, float], count: int, height: int, width: int) -> Tensor:
    """The same box for all of `count` aligned frames, without landmarks, int64 `[count, 4]`.

    fractions: first and last row, first and last column. (0.55, 0.85, 0.3, 0.7) contains the mouth if the eyes are at
    0.42 of the height and 0.23 of the width apart.
    """
    edges = [round(part * side) for part, side in zip(fractions, (height, height, width, width), strict=True)]
    return torch.tensor([edges]).repeat(count, 1)


def box_weights(boxes: Tensor, height: int, width: int, weight: float) -> Tensor:
    """Pixel weights `[B, 1, H, W]`: `weight` inside boxes `[B, 4]`, 1 elsewhere."""
    return 1 + (weight - 1) * box_mask(boxes, height, width)
