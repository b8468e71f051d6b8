"""Whether the boxes of a network, on lips, chin and eyes, fit the framing of the crops."""

from dheads_model.errors import UserError
from dheads_model.network.settings import NetworkSettings

# Where lips, chin and lids are in an aligned face, in distances of the eye centres from the middle between the eyes: first
# and last row of all but one frame in a thousand, farthest column on either side. Of 9,239 frames of 195 real clips.
_LIPS_TOP, _LIPS_BOTTOM, _CHIN, _SIDE = 0.78, 1.85, 2.3, 0.67
_EYES_TOP, _EYES_BOTTOM, _EYES_SIDE = -0.3, 0.3, 0.75
# The boxes of the default framing, in the same measure: first and last row, half of the width.
_ROOM = {"lower_face": (0.565, 2.348, 0.87), "lip_box": (0.565, 2.087, 0.87), "eye_box": (-0.35, 0.305, 0.87)}
_ROUNDING = 1e-6


def check_face_boxes(
    network: NetworkSettings, eye_distance: float, eyes_height: float, framing: str, mouth_hidden: bool
) -> None:
    """Raise UserError where a box that this network uses does not fit crops that are framed so.

    eye_distance: of the eye centres, as a share of the width; eyes_height: from the top; framing: as in AlignSettings.
    """
    used = {
        "lower_face": (mouth_hidden, (_LIPS_TOP, _CHIN, _SIDE)),
        "lip_box": (network.lip_reader, (_LIPS_TOP, _LIPS_BOTTOM, _SIDE)),
        "eye_box": (network.eye_condition, (_EYES_TOP, _EYES_BOTTOM, _EYES_SIDE)),
    }
    for name, (is_used, part) in used.items():
        if not is_used:
            continue
        if framing != "aligned":
            raise UserError(
                f"network.{name} is a box of aligned faces, and framing is {framing}; set mouth_drop to 0 and network.lip_reader "
                "and network.eye_condition to false."
            )
        box = getattr(network, name)
        top, bottom, side = (eyes_height + part[0] * eye_distance, eyes_height + part[1] * eye_distance, part[2])
        left, right = 0.5 - side * eye_distance, 0.5 + side * eye_distance
        if top < -_ROUNDING or bottom > 1 + _ROUNDING:
            raise UserError(
                f"a crop with crop.eye_distance {eye_distance:g} and crop.eyes_height {eyes_height:g} does not hold the whole "
                f"part of the face that network.{name} is for; take 0.23 and 0.42, or 0.3 and 0.3."
            )
        covers = all(
            difference >= -_ROUNDING for difference in (top - box[0], box[1] - bottom, left - box[2], box[3] - right)
        )
        hides_eyes = name == "lower_face" and box[0] < eyes_height + _EYES_BOTTOM * eye_distance
        if not covers or hides_eyes:
            raise UserError(
                f"network.{name} is {_written(box)}, which does not fit a crop with crop.eye_distance {eye_distance:g} and "
                f"crop.eyes_height {eyes_height:g}; write {_written(_suggested(name, eye_distance, eyes_height))}."
            )


def _suggested(name: str, eye_distance: float, eyes_height: float) -> list[float]:
    top, bottom, side = _ROOM[name]
    rows = (eyes_height + top * eye_distance, eyes_height + bottom * eye_distance)
    columns = (0.5 - side * eye_distance, 0.5 + side * eye_distance)
    return [round(min(max(share, 0.0), 1.0), 2) for share in (*rows, *columns)]


def _written(box) -> str:
    return f"[{', '.join(f'{share:g}' for share in box)}]"
