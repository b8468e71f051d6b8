"""Use of time, memory and processor by rule, as Snakemake's benchmark files have it (psutil, sampled while a job runs)."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from dheads_model.errors import UserError
from dheads_model.files import atomic_path

COLUMNS = ("rule", "jobs", "mean_seconds", "longest_seconds", "hours", "cores", "peak_mb", "asked_mb")


def read_use(folder: Path | str, asked: Mapping[str, int]) -> pd.DataFrame:
    """One row per rule, the rule with most hours first, with the columns of `COLUMNS`.

    folder: of benchmark files, `RULE.jsonl` or `RULE/.../*.jsonl`. asked: {rule: MB that its jobs ask for}, where it is one number.
    cores: processor time over time. peak_mb: largest resident memory of any job, in MiB as psutil gives it. Jobs that are so
    short that nothing was sampled count for the time only. Raises UserError when there is no file.
    """
    folder, rows = Path(folder), []
    for path in sorted(folder.rglob("*.jsonl")):
        rule = path.relative_to(folder).parts[0].removesuffix(".jsonl")
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            rows.append((rule, *(_number(entry.get(key)) for key in ("s", "cpu_time", "max_rss"))))
    if not rows:
        raise UserError(f"{folder} has no benchmark file: no job ran in this folder yet.")
    jobs = pd.DataFrame(rows, columns=["rule", "s", "cpu", "rss"])
    found = jobs.groupby("rule").agg(
        jobs=("s", "size"),
        mean_seconds=("s", "mean"),
        longest_seconds=("s", "max"),
        hours=("s", "sum"),
        peak_mb=("rss", "max"),
    )
    found["hours"] /= 3600
    sampled = jobs.dropna(subset=["cpu"]).groupby("rule")[["cpu", "s"]].sum()
    found["cores"] = sampled["cpu"] / sampled["s"]
    found["asked_mb"] = [asked.get(rule) for rule in found.index]
    return found.reset_index().sort_values(["hours", "rule"], ascending=[False, True], ignore_index=True)[list(COLUMNS)]


def use_table(table: pd.DataFrame) -> str:
    """The table as a Markdown page."""
    lines = [
        "# Resource use by rule",
        "",
        "| rule | jobs | mean, s | longest, s | all, hours | cores used | peak memory, MB | asked, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table.itertuples():
        cells = [
            row.rule, f"{row.jobs}", f"{row.mean_seconds:.1f}", f"{row.longest_seconds:.1f}", f"{row.hours:.3f}",
            _cell(row.cores, ".2f"), _cell(row.peak_mb, ".0f"), _cell(row.asked_mb, ".0f"),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"{int(table['jobs'].sum())} jobs, {table['hours'].sum():.3f} hours, finished ones only.", ""]
    return "\n".join(lines)


def draw_use(table: pd.DataFrame, output: Path | str) -> None:
    """Hours, cores and peak memory of each rule as bars, as PNG; memory that was asked for as a line across its bar."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rules = table[::-1]
    figure, axes = plt.subplots(1, 3, figsize=(14, 1.2 + 0.3 * len(rules)), layout="constrained", sharey=True)
    for shown, column, title in zip(
        axes,
        ("hours", "cores", "peak_mb"),
        ("all jobs, hours", "cores used", "peak memory, MB (line: asked)"),
        strict=True,
    ):
        shown.barh(rules["rule"], rules[column].fillna(0.0))
        shown.set(title=title)
        shown.grid(alpha=0.3, axis="x")
    for place, mb in enumerate(rules["asked_mb"]):
        if pd.notna(mb):
            axes[2].plot([mb, mb], [place - 0.4, place + 0.4], color="black")
    with atomic_path(output) as temporary:
        figure.savefig(temporary, metadata={"Software": None})
    plt.close(figure)


def _number(value) -> float:
    """A number of a benchmark file, which has "NA" where nothing was sampled."""
    return float(value) if isinstance(value, int | float) else float("nan")


def _cell(value: float, form: str) -> str:
    return "" if pd.isna(value) else format(value, form)
