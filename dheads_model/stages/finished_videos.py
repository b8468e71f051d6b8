"""Which videos of a shard are finished: a record that outlives a job, so that the next try makes the others only.

A line of the record is written after its video is in place. It has the identity of what decided the video; a video counts
as finished only while its bytes are those of a line with the identity that is wanted now.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from dheads_model.files import sha256_of, write_text

IDENTITY, SHA256, FRAMES = "identity", "sha256", "frames"


class FinishedVideos:
    """The record of one sampling job.

    folder: of the records of a method on a dataset. shard, part: of the job. Lines of all parts of the shard count, so
    that other sizes of the parts find them too.
    """

    def __init__(self, folder: Path | str, shard: str, part: str):
        self.path = Path(folder, f"{shard}.{part}.jsonl")
        self.known: dict[tuple[str, str], dict] = {}
        for path in sorted(Path(folder).glob(f"{shard}.*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                if entry := _entry(line):
                    self.known[entry["clip"], entry[IDENTITY]] = entry

    def kept(self, wanted: Mapping[str, str], videos: Path) -> dict[str, int]:
        """{clip: frames} of the finished ones among {clip: identity}; the job's own record is reduced to them."""
        found = {}
        for clip, identity in wanted.items():
            entry = self.known.get((clip, identity))
            video = videos / f"{clip}.mp4"
            if entry and video.is_file() and sha256_of(video) == entry[SHA256]:
                found[clip] = entry
        write_text(self.path, "".join(json.dumps(entry) + "\n" for entry in found.values()))
        return {clip: entry[FRAMES] for clip, entry in found.items()}

    def add(self, clip: str, identity: str, video: Path, frames: int) -> None:
        """Record a video that is in place; the line is on the disk when this returns."""
        entry = {"clip": clip, IDENTITY: identity, SHA256: sha256_of(video), FRAMES: frames}
        with open(self.path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")
            stream.flush()
            os.fsync(stream.fileno())


def _entry(line: str) -> dict | None:
    """A line as it was written; None for one that a power cut left unfinished, whose clip is then made again."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    complete = isinstance(entry, dict) and {"clip", IDENTITY, SHA256, FRAMES} <= entry.keys()
    return entry if complete else None
