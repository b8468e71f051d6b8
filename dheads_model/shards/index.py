"""The index of a dataset's shards, written last: their hashes and the fingerprint of the data."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import write_json
from dheads_model.manifest import read_manifest

UNKNOWN_SPEAKER = "unknown"


@dataclass(frozen=True)
class Index:
    """Shards of a dataset. `shards`: dicts with split, shard, manifest (path in the index' folder), sha256, clips, frames."""

    path: Path
    dataset: str
    fingerprint: str
    shards: tuple[dict, ...]

    def manifests(self, split: str) -> list[Path]:
        """Paths of the manifests of one split's non-empty shards, in order."""
        folder = self.path.parent
        return [folder / shard["manifest"] for shard in self.shards if shard["split"] == split and shard["clips"]]

    def count(self, split: str, what: str = "clips") -> int:
        """Number of clips or frames in a split."""
        return sum(shard[what] for shard in self.shards if shard["split"] == split)


def write_index(path: Path | str, manifest_paths: list[str]) -> None:
    """Write the index of packed shards. Raises UserError when a speaker is in two splits, and when no clip is left."""
    folder = Path(path).parent
    shards, homes, dataset = [], {}, ""
    for manifest_path in sorted(manifest_paths):
        manifest = read_manifest(manifest_path)
        dataset = manifest.dataset
        facts = manifest.ok().values()
        for speaker in {fact["speaker"] for fact in facts} - {UNKNOWN_SPEAKER}:
            if homes.setdefault(speaker, manifest.split) != manifest.split:
                raise UserError(
                    f"speaker {speaker} is in two splits, {homes[speaker]} and {manifest.split}; name one for all clips."
                )
        shards.append(
            {
                "split": manifest.split,
                "shard": manifest.shard,
                "manifest": Path(os.path.relpath(manifest_path, folder)).as_posix(),
                "bytes": manifest.files[0].bytes,
                "sha256": manifest.files[0].sha256,
                "clips": len(facts),
                "frames": sum(fact["frames"] for fact in facts),
            }
        )
    if not any(shard["clips"] for shard in shards):
        raise UserError(
            f"no clip of dataset {dataset} is left: results/data_card.md has the reason of each; give other clips, or allow "
            "what is refused (docs/configuration.md, track and audio)."
        )
    shards.sort(key=lambda shard: shard["shard"])
    identity = json.dumps([[shard["split"], shard["shard"], shard["sha256"]] for shard in shards])
    fingerprint = hashlib.sha256(identity.encode()).hexdigest()
    write_json(path, {"dataset": dataset, "fingerprint": fingerprint, "shards": shards})


def read_index(path: Path | str) -> Index:
    """Read an index; raises UserError when it is missing or unusable."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return Index(Path(path), content["dataset"], content["fingerprint"], tuple(content["shards"]))
    except (OSError, ValueError, KeyError) as problem:
        raise UserError(f"{path} is not a usable index ({problem}); delete it to make it again.") from problem
