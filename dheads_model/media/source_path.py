"""The source file of a clip, checked against what was hashed when it was adopted or made."""

from pathlib import Path

from dheads_model.errors import ClipFailed


def check_source(facts: dict) -> Path:
    """Path of a clip's source file; raises ClipFailed (missing_file, source_changed) when it is not the one that was hashed.

    facts: `path`, `bytes` of the source manifest. The size alone is compared: hashing again at every stage would cost
    as much as decoding.
    """
    path = Path(facts["path"])
    if not path.is_file():
        raise ClipFailed("missing_file", f"{path} is not there")
    if path.stat().st_size != facts["bytes"]:
        raise ClipFailed("source_changed", f"{path} has {path.stat().st_size} bytes, {facts['bytes']} were hashed")
    return path
