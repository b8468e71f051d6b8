"""The table of the phones of a shard's clips, one row a phone."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from dheads_model.files import atomic_path
from dheads_model.manifest import read_manifest, verify_file
from dheads_model.metrics.phones import SpokenPhones

COLUMNS = ["clip", "start", "end", "phone"]


def write_phones(path: Path | str, clips: Mapping[str, SpokenPhones]) -> None:
    """Write {clip: its phones} as Parquet with COLUMNS, whole or not at all; times in seconds from the clip's begin."""
    rows = [(clip, *phone) for clip, spoken in clips.items() for phone in spoken.phones]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"start": "float64", "end": "float64"})
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


def read_phones(manifest_path: Path | str) -> dict[str, SpokenPhones]:
    """{clip: its phones, or why there are none} of a shard whose phones were timed."""
    manifest = read_manifest(manifest_path)
    known = phones_by_clip(pd.read_parquet(verify_file(manifest_path, manifest.files[0])))
    return {
        clip: SpokenPhones(reason=facts["reason"]) if "reason" in facts else known[clip]
        for clip, facts in manifest.ok().items()
    }


def phones_by_clip(table: pd.DataFrame) -> dict[str, SpokenPhones]:
    """{clip: its phones} of a table with COLUMNS."""
    return {
        str(clip): SpokenPhones(tuple(zip(rows["start"], rows["end"], rows["phone"], strict=True)))
        for clip, rows in table.groupby("clip")
    }
