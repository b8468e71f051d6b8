"""The opinion study of table 2: balanced sheets of videos for raters, votes that they send back, and shares of "real" votes."""

import hashlib
import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from dheads_model.errors import UserError
from dheads_model.metrics.column import UNJUDGED, Column
from dheads_model.tables.statistics import Cell, cell

SHARE = Column("real", 'share of "real" votes', UNJUDGED, 3, "", span=(0.0, 1.0))
_Z = 1.959963984540054  # of a 95 % interval


def make_sheets(methods: Sequence[str], clips: Sequence[str], clips_per_method: int, sheets: int, seed: int) -> dict:
    """{items: {id: {method, clip}}, sheets: [ids in the order in which they are shown]}, the same for the same arguments.

    Latin square: a sheet shows every chosen clip once, clip j by method (j + sheet) modulo the number of methods, so all
    methods have as many videos in a sheet, and over that many sheets every clip is shown by every method. Orders are
    random; every second group of sheets has the orders of the one before backwards, so that places are balanced.
    Fewer clips than clips_per_method times the number of methods give fewer videos a method.
    Raises UserError for fewer than two methods, or fewer clips than methods.
    """
    count = len(methods)
    if count < 2:
        raise UserError("config key opinion_study.methods has fewer than two methods that have videos; name more.")
    if len(clips) < count:
        raise UserError(f"an opinion study of {count} methods needs {count} test clips, and there are {len(clips)}.")
    generator = random.Random(seed)
    chosen = sorted(clips)
    generator.shuffle(chosen)
    chosen = chosen[: min(clips_per_method, len(clips) // count) * count]
    items, orders = {}, []
    for sheet in range(sheets):
        shown = []
        for number, clip in enumerate(chosen):
            method = methods[(number + sheet) % count]
            name = hashlib.sha256(f"{seed} {method} {clip}".encode()).hexdigest()[:12]
            items[name] = {"method": method, "clip": clip}
            shown.append(name)
        if (sheet // count) % 2:
            shown = orders[sheet - count][::-1]
        else:
            generator.shuffle(shown)
        orders.append(shown)
    study = {"items": dict(sorted(items.items())), "sheets": orders}
    return {"study": hashlib.sha256(json.dumps(study, sort_keys=True).encode()).hexdigest()[:12], **study}


def read_votes(folder: Path | str, key: Mapping) -> pd.DataFrame:
    """Votes of all .json files of a folder: rater, sheet, method, clip, real (0 or 1), position.

    key: what `make_sheets` made. Raises UserError for a folder without votes, and for a file that is damaged, of another
    study, votes on a video twice or on one that its sheet does not have, or has the rater of another file.
    """
    paths = sorted(Path(folder).glob("*.json"))
    if not paths:
        raise UserError(f"{folder} has no files of votes (*.json); put those there that the raters downloaded.")
    rows, raters = [], {}
    for path in paths:
        votes = _read(path)
        if votes["study"] != key["study"]:
            raise UserError(f"{path} has votes of study {votes['study']}, not of {key['study']}; move it elsewhere.")
        rater, sheet = str(votes["rater"]), votes["sheet"]
        if rater in raters:
            raise UserError(f"{path} and {raters[rater]} are of one rater; remove one of them.")
        raters[rater] = path
        shown = key["sheets"][sheet] if isinstance(sheet, int) and 0 <= sheet < len(key["sheets"]) else []
        seen: set[str] = set()
        for vote in votes["votes"]:
            if vote["item"] not in shown or vote["item"] in seen or not isinstance(vote["real"], bool):
                raise UserError(
                    f"{path} has a vote on {vote['item']} that sheet {sheet} does not ask for, or two on it."
                )
            seen.add(vote["item"])
            rows.append({"rater": rater, "sheet": sheet, "item": vote["item"], **key["items"][vote["item"]],
                         "real": int(vote["real"])})  # fmt: skip
    if not rows:
        raise UserError(f"the files in {folder} have no votes.")
    return pd.DataFrame(rows).sort_values(["rater", "item"], ignore_index=True)


def _read(path: Path) -> dict:
    try:
        votes = json.loads(path.read_text(encoding="utf-8"))
        [(vote["item"], vote["real"]) for vote in votes["votes"]]
        votes["study"], votes["rater"], votes["sheet"]
    except (ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{path} is no file of votes as the study's page writes it; ask its rater again.") from problem
    return votes


def table2(votes: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """A row a method with votes: votes, raters, share of "real" votes and its 95 % interval over raters, and Wilson's interval
    of the pooled votes.

    The votes of one rater are alike, so raters are the independent units, as speakers are in table 1: Student's t with the
    jackknife over raters, from LEAST_SPEAKERS raters on. Wilson's interval takes all votes for independent.
    """
    records = []
    for method in methods:
        of_method = votes[votes["method"] == method]
        if of_method.empty:
            continue
        rows = pd.DataFrame({"clip": of_method["rater"] + " " + of_method["item"], "speaker": "rater " + of_method["rater"],
                             "value": of_method["real"].astype(float), "status": "ok", "reason": "", "frames": 1})  # fmt: skip
        found: Cell = cell(rows, SHARE)
        wilson = wilson_interval(int(of_method["real"].sum()), len(of_method))
        records.append(
            {"method": method, "votes": found.n, "raters": of_method["rater"].nunique(), "real": found.mean, "low": found.low,
             "high": found.high, "wilson_low": wilson[0], "wilson_high": wilson[1]}
        )  # fmt: skip
    return pd.DataFrame(records)


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927) of `hits` of `count` independent votes."""
    share, square = hits / count, _Z**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = _Z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)
