"""Check for the packages of the extra published-blinks, and the path of their weights. Standard library only."""

from importlib.util import find_spec
from pathlib import Path

from dheads_model.errors import UserError


def check_dlib() -> None:
    """Raise UserError where the two packages of the extra are not installed."""
    for module in ("dlib", "face_recognition_models"):
        if find_spec(module) is None:
            raise UserError(
                f"config key metrics.published_blinks is true, but {module} is not installed: run pip install "
                "'dheads[published-blinks]' (or pip install dlib-bin face-recognition-models), or set it to false."
            )


def weights_path() -> Path:
    """The 68-point predictor. The package's module is not imported, because it needs pkg_resources."""
    folder = find_spec("face_recognition_models").submodule_search_locations[0]
    return Path(folder, "models", "shape_predictor_68_face_landmarks.dat")
