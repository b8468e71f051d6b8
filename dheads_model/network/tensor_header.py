"""The metadata of a file of named tensors, read without reading the tensors. Standard library only.

safetensors: 8 bytes with the length of a JSON object, that object, the values. Any file that this project did not write
gives one error sentence.
"""

import json
import struct
import zipfile
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.network.export_formats import is_older, migrate

# A header of ten thousand tensors takes 1 MB.
_LONGEST_HEADER = 16 * 2**20
_MOST_DIGITS = 30


def read_about(path: Path | str, wanted: str, what: str = "model") -> dict:
    """The JSON object `about` that `tensor_file.save_tensors` wrote into a file of the format `wanted`.

    A model of an older format is migrated, see `export_formats`. Raises UserError for a missing or damaged file and for
    one of another format, called `what` in the message.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the path of the .safetensors in it.")
    if not path.is_file():
        raise UserError(f"there is no {what} {path}; give the path of the .safetensors that a finished run wrote.")
    try:
        if zipfile.is_zipfile(path):
            raise UserError(
                f"{path} is a checkpoint as PyTorch writes them; if it is of Diffused Heads, make a model of it by "
                f"`python -m dheads_model.published.import_model --unet {path} --output model.safetensors`."
            )
        header = _header(path)
    except OSError as problem:
        raise UserError(f"{path} cannot be read ({problem.strerror}); fix its permissions or give a copy.") from problem
    except ValueError as problem:
        raise UserError(
            f"{path} cannot be read as a {what} ({problem}); give a .safetensors that this project wrote, whole."
        ) from problem
    metadata = header.get("__metadata__")
    text = metadata.get("dheads", "{}") if isinstance(metadata, dict) else "{}"
    try:
        about = _object(text if isinstance(text, str) else "")
        older = is_older(about.get("format"), wanted)
        if about.get("format") == wanted or older:
            for block in ("config", "facts"):
                if not isinstance(about.get(block), dict):
                    raise ValueError(f"{block} is no block of keys")
        if older:
            about = migrate(about)
    except ValueError as problem:
        raise UserError(f"{path} holds damaged settings ({problem}); give a whole copy of the file.") from problem
    if about.get("format") != wanted:
        raise UserError(
            f"{path} is no {what} of this project: its format is {_short(about.get('format'))}, not {wanted!r}."
        )
    return about


def _header(path: Path) -> dict:
    size = path.stat().st_size
    with open(path, "rb") as stream:
        first = stream.read(8)
        length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
        if not 2 <= length <= min(size - 8, _LONGEST_HEADER):
            raise ValueError("it has no header of safetensors")
        try:
            return _object(stream.read(length).decode())
        except UnicodeDecodeError as problem:
            raise ValueError("its header is no text") from problem


def _object(text: str) -> dict:
    """A JSON object of finite numbers; raises ValueError with a short reason for anything else."""

    def refuse(constant: str):
        raise ValueError(f"it holds {constant}")

    def number(digits: str) -> float:
        value = float(digits)
        return refuse("an infinite number") if value in (float("inf"), float("-inf")) else value

    def whole(digits: str) -> int:
        return int(digits) if len(digits) <= _MOST_DIGITS else refuse(f"a number of {len(digits)} digits")

    try:
        found = json.loads(text, parse_constant=refuse, parse_float=number, parse_int=whole)
    except RecursionError as problem:
        raise ValueError("it is nested too deeply") from problem
    except json.JSONDecodeError as problem:
        raise ValueError(f"no JSON at character {problem.pos}") from problem
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
