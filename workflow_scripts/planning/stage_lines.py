"""One line a stage instead of one block a job: counts of a run's jobs, as text. Standard library only."""

import re
from dataclasses import dataclass, field

# A stage's line is repeated after this many seconds, or after this part of the time so far: a run of days stays readable.
_EVERY_SECONDS, _EVERY_PART = 20.0, 0.05
# Of one rule; the others are in the logs, and are counted.
_WARNINGS_SHOWN = 3
_BAR = re.compile(r"\|[^|]*\|")
_RATE = re.compile(r"\d+/\d+ \[[^\]]*/s")


@dataclass
class Stage:
    """Jobs of one rule. total: planned. begun: when the first one started, in seconds. told: when its last line was made."""

    rule: str
    total: int
    done: int = 0
    begun: float | None = None
    told: float = 0.0
    unit: str = "jobs"
    warnings: int = 0


@dataclass
class RunningJob:
    """A job that was started. name: its wildcards, as in the paths. log: path or ""."""

    rule: str
    name: str
    log: str


@dataclass
class Progress:
    """All stages of a run by rule, and the jobs that run by Snakemake's job id."""

    stages: dict[str, Stage] = field(default_factory=dict)
    running: dict[int, RunningJob] = field(default_factory=dict)

    @classmethod
    def of(cls, stats: dict[str, int]) -> "Progress":
        """stats: {rule: planned jobs}; Snakemake's `total` is left out, and so is `all`, which does nothing itself."""
        return cls({rule: Stage(rule, count) for rule, count in stats.items() if rule not in ("total", "all")})

    def start(self, jobid: int, rule: str, wildcards: dict[str, str], log: str, now: float) -> None:
        """Record that a job starts."""
        stage = self.stages.setdefault(rule, Stage(rule, 1))
        if stage.begun is None:
            stage.begun = stage.told = now
        if "shard" in wildcards and "part" not in wildcards:
            stage.unit = "shards"
        self.running[jobid] = RunningJob(rule, "/".join(wildcards.values()), log)

    def finish(self, jobid: int, now: float) -> str:
        """Record that a job is done. Returns a line if its stage is done too, or had none for a while, else ""."""
        job = self.running.pop(jobid, None)
        if job is None:
            return ""
        stage = self.stages[job.rule]
        stage.done += 1
        if stage.done < stage.total and now - stage.told < max(_EVERY_SECONDS, _EVERY_PART * (now - stage.begun)):
            return ""
        stage.told = now
        return stage_line(stage, now)

    def warn(self, rule: str, found: list[str]) -> list[str]:
        """The warnings of a job that are shown: the first ones of each rule."""
        stage = self.stages[rule]
        shown = found[: max(_WARNINGS_SHOWN - stage.warnings, 0)]
        stage.warnings += len(found)
        return shown

    def unshown(self) -> dict[str, int]:
        """{rule: number of warnings that only the logs have}."""
        return {
            stage.rule: stage.warnings - _WARNINGS_SHOWN
            for stage in self.stages.values()
            if stage.warnings > _WARNINGS_SHOWN
        }

    def counts(self) -> str:
        """What runs now, and jobs done of all."""
        done, total = (sum(getattr(stage, key) for stage in self.stages.values()) for key in ("done", "total"))
        rules = list(dict.fromkeys(job.rule for job in self.running.values()))
        return f"{done} of {total} jobs done; running: {', '.join(rules) or 'nothing'}"


def stage_line(stage: Stage, now: float) -> str:
    """Rule, jobs done of all, time, rate, and the time that the rest will take at this rate."""
    seconds = now - stage.begun
    line = f"{stage.rule:<22} {stage.done:>5} of {stage.total} {stage.unit if stage.total > 1 else stage.unit[:-1]}"
    if stage.done == stage.total:
        return f"{line}, done in {duration(seconds)}"
    rate = stage.done / max(seconds, 1e-9)
    return f"{line}, {rate_text(rate)}, about {duration((stage.total - stage.done) / rate)} left"


def rate_text(rate: float) -> str:
    """Rate of jobs, given in jobs a second, in the largest unit that keeps it readable."""
    for name, seconds in (("s", 1), ("min", 60)):
        if rate * seconds >= 1:
            return f"{rate * seconds:.1f}/{name}"
    return f"{rate * 3600:.1f}/h"


def duration(seconds: float) -> str:
    """A duration in the two largest units, as in `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{round(seconds / 60)} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{seconds / 86400:.1f} days"


def last_bar(written: str) -> str:
    """The newest state of a progress bar at the end of a log, "" if there is none."""
    for part in reversed(re.split(r"[\r\n]", written)):
        if _RATE.search(part):
            return part.strip()
    return ""


def plain_bar(bar: str) -> str:
    """A progress bar without its picture, for files."""
    return re.sub(r" +", " ", _BAR.sub(" ", bar))


def warnings_of(written: str) -> list[str]:
    """Warnings of the project's commands in the text of a log, without repeats."""
    lines = (part.strip() for part in re.split(r"[\r\n]", written))
    return list(dict.fromkeys(line.removeprefix("WARNING ") for line in lines if line.startswith("WARNING ")))
