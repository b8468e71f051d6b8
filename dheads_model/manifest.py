"""The manifest, a small JSON file that each stage writes last: the status of every clip, and its output files.

A manifest contains no time, host, duration or code digest, so that equal data give equal bytes, and the next rule does
not rerun.
"""

import dataclasses
import errno
import json
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dheads_model.errors import FAIL_REASONS, FILTER_REASONS, ClipFailed, ClipFiltered, UserError
from dheads_model.files import sha256_of, write_json

OK, FILTERED, FAILED = "ok", "filtered", "failed"
_MACHINE_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Status of one clip after a stage. `facts` are JSON values that later stages or the data card use."""

    clip: str
    status: str
    reason: str = ""
    detail: str = ""
    facts: dict = field(default_factory=dict)

    def __post_init__(self):
        reasons = {OK: ("",), FILTERED: FILTER_REASONS, FAILED: FAIL_REASONS}
        if self.status not in reasons or self.reason not in reasons[self.status]:
            raise ValueError(f"clip {self.clip}: status {self.status!r} with reason {self.reason!r} is not allowed")


@dataclass(frozen=True)
class StoredFile:
    """An output file of a stage: its path relative to the manifest's folder, its size and sha256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Result of one stage on one shard. Every input clip is in `clips` exactly once, sorted by clip id."""

    stage: str
    dataset: str
    split: str
    shard: str
    settings: dict
    clips: tuple[Outcome, ...]
    files: tuple[StoredFile, ...] = ()

    def count(self, status: str) -> int:
        """Number of clips with this status."""
        return sum(outcome.status == status for outcome in self.clips)

    def clip_ids(self) -> frozenset[str]:
        """Ids of all clips, whatever their status."""
        return frozenset(outcome.clip for outcome in self.clips)

    def ok(self) -> dict[str, dict]:
        """Facts of the clips with status ok, by clip id, in order."""
        return {outcome.clip: outcome.facts for outcome in self.clips if outcome.status == OK}


@dataclass(frozen=True)
class Budget:
    """How many clips of a shard may be lost before a stage stops, or before it warns.

    always_allowed: this many clips may fail, and this many may be filtered, whatever the shard's size.
    failed_fraction, filtered_fraction: otherwise at most these shares of the clips that went in.
    strict: whether the stage stops; else it warns and continues with the remaining clips.
    """

    always_allowed: int
    failed_fraction: float
    filtered_fraction: float
    strict: bool


def process_clips(items: Iterable[tuple[str, object]], work: Callable[[str, object], dict]) -> list[Outcome]:
    """Call `work(clip, item) -> facts` for each (clip, item); a rejected or failed clip does not stop the others.

    ClipFiltered and ClipFailed become outcomes with their reason, any other Exception becomes `crashed` with a
    traceback in the log. UserError, MemoryError and machine errors (disk full) stop the stage.
    """
    outcomes = []
    for clip, item in items:
        try:
            outcomes.append(Outcome(clip, OK, facts=work(clip, item)))
        except ClipFiltered as rejection:
            outcomes.append(Outcome(clip, FILTERED, rejection.reason, rejection.detail))
        except ClipFailed as failure:
            outcomes.append(Outcome(clip, FAILED, failure.reason, failure.detail))
        except (UserError, MemoryError):
            raise
        except OSError as failure:
            if failure.errno in _MACHINE_TROUBLE:
                raise UserError(
                    f"a machine error occurred at clip {clip}: {failure}; fix it and run again."
                ) from failure
            log.exception("clip %s", clip)
            outcomes.append(Outcome(clip, FAILED, "crashed", f"{type(failure).__name__}: {failure}"))
        except Exception as failure:
            log.exception("clip %s", clip)
            outcomes.append(Outcome(clip, FAILED, "crashed", f"{type(failure).__name__}: {failure}"))
        last = outcomes[-1]
        if last.status != OK:
            log.warning("clip %s %s: %s %s", clip, last.status, last.reason, last.detail)
    return outcomes


def write_manifest(path: Path | str, manifest: Manifest, budget: Budget | None = None) -> None:
    """Check a manifest (each clip once, budget) and write it, as the last file of the stage.

    If more clips are lost than `budget` allows, a warning is logged; a strict budget raises UserError, and no manifest is
    written.
    """
    names = [outcome.clip for outcome in manifest.clips]
    if len(set(names)) != len(names):
        raise ValueError(f"{path}: a clip is accounted for twice")
    if budget is not None:
        _keep_budget(manifest, budget)
    content = dataclasses.asdict(manifest)
    content["clips"] = sorted(content["clips"], key=lambda outcome: outcome["clip"])
    content["counts"] = {"in": len(names), **{status: manifest.count(status) for status in (OK, FILTERED, FAILED)}}
    write_json(path, content)


def read_manifest(path: Path | str) -> Manifest:
    """Read a manifest; raises UserError when it is missing, unreadable or its counts do not add up."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        counts = content.pop("counts")
        clips = tuple(Outcome(**outcome) for outcome in content.pop("clips"))
        files = tuple(StoredFile(**stored) for stored in content.pop("files"))
        manifest = Manifest(**content, clips=clips, files=files)
        found = {"in": len(clips), **{status: manifest.count(status) for status in (OK, FILTERED, FAILED)}}
        if found != counts:
            raise ValueError(f"counts are {counts}, its clips give {found}")
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{path} is not a usable manifest ({problem}); delete it to make it again.") from problem
    return manifest


def store_files(paths: Sequence[Path | str], manifest_path: Path | str) -> tuple[StoredFile, ...]:
    """Size and sha256 of finished files, named relative to the folder of `manifest_path`."""
    folder = Path(manifest_path).parent
    stored = []
    for path in map(Path, paths):
        name = Path(os.path.relpath(path, folder)).as_posix()
        stored.append(StoredFile(name, path.stat().st_size, sha256_of(path)))
    return tuple(stored)


def verify_file(manifest_path: Path | str, stored: StoredFile) -> Path:
    """Path of a stored file after its size and sha256 were checked; raises UserError when it is missing or altered."""
    path = Path(manifest_path).parent / stored.name
    if not path.is_file():
        raise UserError(
            f"{path} is missing although {manifest_path} lists it; delete that manifest to make both again."
        )
    if path.stat().st_size != stored.bytes or sha256_of(path) != stored.sha256:
        raise UserError(f"{path} is truncated or altered; delete {manifest_path} to make both again.")
    return path


def _keep_budget(manifest: Manifest, budget: Budget) -> None:
    total = len(manifest.clips)
    for status, fraction in ((FAILED, budget.failed_fraction), (FILTERED, budget.filtered_fraction)):
        lost = [outcome for outcome in manifest.clips if outcome.status == status]
        allowed = max(budget.always_allowed, int(fraction * total))
        if len(lost) > allowed:
            reasons = sorted({outcome.reason for outcome in lost})
            sentence = (
                f"{manifest.stage} lost {len(lost)} of {total} clips of shard {manifest.shard} ({status}: "
                f"{', '.join(reasons)}) and the budget allows {allowed}: look at the first, {lost[0].clip} "
                f"({lost[0].detail or lost[0].reason}), or raise budget.{status}_fraction"
            )
            if budget.strict:
                raise UserError(f"{sentence}, or take {manifest.dataset} out of budget.strict.")
            log.warning("%s.", sentence)
