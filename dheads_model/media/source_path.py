"""The source file of a clip, compared with the size recorded when it was adopted or generated."""

from pathlib import Path

from dheads_model.errors import ClipFailed


def check_source(facts: dict) -> Path:
    """Path of a clip's source file; raises ClipFailed (missing_file, source_changed) when it is missing or has changed.

    facts: `path`, `bytes` of the source manifest. Only the size is compared: hashing at every stage would take as long
    as decoding.
    """
    path = Path(facts["path"])
    if not path.is_file():
        raise ClipFailed("missing_file", f"{path} is not there")
    if path.stat().st_size != facts["bytes"]:
        raise ClipFailed("source_changed", f"{path} has {path.stat().st_size} bytes, {facts['bytes']} were hashed")
    return path
