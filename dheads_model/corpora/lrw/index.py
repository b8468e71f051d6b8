"""The index of an unpacked LRW: the tree is listed once, the Snakefile reads the table. Standard library only."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import NamedTuple, TextIO

from dheads_model.corpora.lrw.layout import LAYOUT, WORD, clip_id, corpus_root, parse_name
from dheads_model.corpora.lrw.metadata import read_word_seconds
from dheads_model.corpora.plan import SPLITS, PlannedClip
from dheads_model.errors import ClipFailed, UserError
from dheads_model.files import atomic_path

# LRW has no speaker labels, and its splits may share speakers. With this one name, which shards.index also knows, disjoint
# speakers are neither claimed nor checked, the data card has one row, and confidence intervals treat clips as independent.
UNKNOWN_SPEAKER = "unknown"
COLUMNS = ("clip", "word", "split", "bytes", "word_seconds")
_SHOWN_NAMES = 100


class IndexedClip(NamedTuple):
    """A row of the index. word_seconds: None if the texts were not read, or this one is unreadable."""

    clip: str
    word: str
    split: str
    bytes: int
    word_seconds: float | None


@dataclass
class IndexSummary:
    """Summary of the listing. clips: number by split. refused: number of names that do not match the layout.

    refused_names: the first of them, paths in the corpus' folder. texts_failed: clips whose word has no duration.
    """

    clips: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    words: int = 0
    refused: int = 0
    refused_names: list[str] = field(default_factory=list)
    texts_failed: int = 0

    def refuse(self, names: list[str]) -> None:
        """Count names that do not match the layout."""
        self.refused += len(names)
        self.refused_names += sorted(names)[: _SHOWN_NAMES - len(self.refused_names)]


def build_index(folder: Path | str, index_path: Path | str, read_texts: bool) -> IndexSummary:
    """Write the table of all clips below `folder`, sorted by split and clip id; equal trees give equal bytes.

    folder: lipread_mp4 or the folder around it. read_texts: also open each clip's text for its word's duration. Tab
    separated UTF-8 with the columns clip, word, split, bytes, word_seconds. Names out of pattern are counted and
    listed, not fatal. Raises UserError for a folder that is missing, cannot be listed, holds no clip, or has one folder
    of clips under two names.
    """
    root = corpus_root(folder)
    summary = IndexSummary()
    words = _matching(root, "", summary, lambda entry: entry.is_dir() and WORD.fullmatch(entry.name))
    # In the order of the ids: ALLOWED_... is before ALLOW_...
    words = sorted((entry.name for entry in words), key=lambda word: f"{word}_")
    homes = _split_folders(root, words, summary)
    with atomic_path(index_path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        stream.write("\t".join(COLUMNS) + "\n")
        for split in SPLITS:
            for word in words:
                if (word, split) in homes:
                    summary.clips[split] += _write_clips(stream, root, word, split, read_texts, summary)
        summary.words = len({word for word, _ in homes})
        if not sum(summary.clips.values()):
            raise UserError(
                f"{folder} holds no clip of LRW: its clips lie at {LAYOUT}; give with lrw.path the folder above the words."
            )
    return summary


def read_index(index_path: Path | str) -> Iterator[IndexedClip]:
    """Rows of an index in its order. Raises UserError when it is missing, altered or names a clip twice."""
    try:
        with open(index_path, encoding="utf-8") as stream:
            if stream.readline().rstrip("\n").split("\t") != list(COLUMNS):
                raise ValueError("its first line is another")
            last = (-1, "")
            for line in stream:
                clip, word, split, size, seconds = line.rstrip("\n").split("\t")
                place = (SPLITS.index(split), clip)
                if place <= last or clip != f"{word}_{split}_{clip[-5:]}" or not size.isdigit():
                    raise ValueError(f"clip {clip} is doubled, out of order or has no size")
                last = place
                yield IndexedClip(clip, intern(word), intern(split), int(size), float(seconds) if seconds else None)
    except (OSError, ValueError) as problem:
        raise UserError(
            f"{index_path} is not a usable index of LRW ({problem}); delete it to make it again."
        ) from problem


def list_clips(index_path: Path | str, folder: Path | str, list_file: Path | str | None = None) -> list[PlannedClip]:
    """All clips of an index in the corpus' own splits; only the index and the list are opened.

    folder: as in `build_index`. list_file: another test split, one clip per line as WORD/split/WORD_00001 (also with ./
    before and .mp4 after it, as in the published list of Diffused Heads) or WORD_00001, which is the clip in the folder
    test. Listed clips are test clips, whatever their folder; train and val keep the others, and unlisted clips of the
    folder test are not planned. A clip's speaker is UNKNOWN_SPEAKER, its transcript the word. Raises UserError for an
    unusable index or folder, and for names in the list that are not in the index.
    """
    root = corpus_root(folder)
    listed = None if list_file is None else _read_list(list_file)
    sizes: dict[int, dict] = {}
    clips = []
    for clip, word, split, size, _ in read_index(index_path):
        path = f"{root}/{word}/{split}/{word}_{clip[-5:]}.mp4"
        if listed is not None:
            if clip in listed:
                del listed[clip]
                split = "test"
            elif split == "test":
                continue
        # Half a million of these are in memory: clips of equal size share one dictionary.
        extra = sizes.setdefault(size, {"bytes": size})
        clips.append(PlannedClip(clip, UNKNOWN_SPEAKER, split, word, path, extra))
    if listed:
        raise UserError(
            f"{list_file} names {next(iter(listed.values()))}, which {index_path} does not have ({len(listed)} such "
            "names in all); correct the list, or index a whole corpus."
        )
    return clips


def counts_with_list(counts: Mapping[str, int], list_file: Path | str) -> dict[str, int]:
    """Number of clips by split of `list_clips` with this list, from the numbers in the corpus' own splits."""
    homes = Counter(clip.split("_")[1] for clip in _read_list(list_file))
    return {"train": counts["train"] - homes["train"], "val": counts["val"] - homes["val"], "test": homes.total()}


def _split_folders(root: str, words: list[str], summary: IndexSummary) -> set[tuple[str, str]]:
    """The (word, split) that have a folder; raises UserError if two of them are the same folder (clips would count twice)."""
    homes: dict[str, str] = {}
    found = set()
    for word in words:
        for entry in _matching(root, word, summary, lambda entry: entry.is_dir() and entry.name in SPLITS):
            real = os.path.realpath(entry.path)
            if homes.setdefault(real, entry.path) != entry.path:
                raise UserError(f"{homes[real]} and {entry.path} are one and the same folder; remove the link.")
            found.add((word, entry.name))
    return found


def _write_clips(stream: TextIO, root: str, word: str, split: str, read_texts: bool, summary: IndexSummary) -> int:
    """Write the rows of one folder of clips; their number."""

    def fits(entry: os.DirEntry) -> bool:
        stem, ending = os.path.splitext(entry.name)
        name = parse_name(stem)
        return ending in (".mp4", ".txt") and name is not None and name[0] == word and entry.is_file()

    count = 0
    entries = _matching(root, f"{word}/{split}", summary, fits)
    for entry in sorted((entry for entry in entries if entry.name.endswith(".mp4")), key=lambda entry: entry.name):
        seconds = ""
        if read_texts:
            try:
                seconds = repr(read_word_seconds(entry.path.removesuffix(".mp4") + ".txt"))
            except ClipFailed:
                summary.texts_failed += 1
        try:
            size = entry.stat().st_size
        except OSError as problem:
            raise UserError(
                f"{entry.path} cannot be read ({problem.strerror}); fix its permissions or remove it."
            ) from problem
        number = entry.name.removesuffix(".mp4")[-5:]
        stream.write(f"{clip_id(word, split, number)}\t{word}\t{split}\t{size}\t{seconds}\n")
        count += 1
    return count


def _matching(root: str, below: str, summary: IndexSummary, fits) -> list[os.DirEntry]:
    """Matching entries of a folder; the others are counted in the summary. Raises UserError when it cannot be listed."""
    try:
        with os.scandir(os.path.join(root, below)) as found:
            entries = list(found)
    except OSError as problem:
        raise UserError(f"{problem.filename} cannot be listed ({problem.strerror}); fix its permissions.") from problem
    chosen, refused = [], []
    for entry in entries:
        (chosen if fits(entry) else refused).append(entry)
    prefix = f"{below}/" if below else ""
    summary.refuse([prefix + entry.name for entry in refused])
    return chosen


def _read_list(list_file: Path | str) -> dict[str, str]:
    """{clip id: the line that names it} of a list of test clips; a clip named twice counts once."""
    try:
        lines = Path(list_file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"{list_file} cannot be read ({problem}); give a text with one clip a line.") from problem
    listed = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        steps = line.strip().removeprefix("./").removesuffix(".mp4").split("/")
        name = parse_name(steps[-1])
        word, split = steps[:2] if len(steps) == 3 else (name and name[0], "test")
        if name is None or len(steps) not in (1, 3) or word != name[0] or split not in SPLITS:
            raise UserError(
                f"{list_file} line {number} is {line.strip()[:80]!a}; write WORD/split/WORD_00001 or WORD_00001."
            )
        listed[clip_id(word, split, name[1])] = line.strip()
    if not listed:
        raise UserError(f"{list_file} names no clip; write one a line as WORD/split/WORD_00001.")
    return listed
