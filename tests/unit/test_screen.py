"""The screen of a run: a line a stage, plain text in files, failures with reason and log, and no warning hidden."""

import io
import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from workflow_scripts.planning.screen import Screen, hides
from workflow_scripts.planning.stage_lines import Progress, duration, last_bar, plain_bar

BAR = (
    "INFO 8 steps\n\rtrain:   0%|          | 0/64 [00:00<?, ?image/s]"
    "\rtrain:  75%|███████▌  | 48/64 [00:03<00:01, 15.20image/s, loss=1.1]"
)


def record(event, level=logging.INFO, message="", **fields):
    found = logging.LogRecord("snakemake.logging", level, "", 0, message, (), None)
    found.__dict__.update(fields, event=event)
    return found


def started(jobid, rule="track_faces", shard="00000", log=""):
    return record(
        LogEvent.JOB_INFO, jobid=jobid, rule_name=rule, wildcards={"dataset": "a", "shard": shard}, log=[log] if log else [],
        output=["x"],
    )  # fmt: skip


def screen_of(stats):
    screen = Screen(io.StringIO(), lambda: None)
    screen.emit(record(LogEvent.RUN_INFO, stats=stats))
    return screen


def test_a_stage_has_a_line_when_it_is_done_and_every_twenty_seconds():
    progress = Progress.of({"track_faces": 100, "total": 101, "all": 1})
    lines = []
    for number in range(100):
        progress.start(number, "track_faces", {"shard": "0"}, "", 2.0 * number)
        lines.append((2.0 * number + 1, progress.finish(number, 2.0 * number + 1)))
    told = [(now, line) for now, line in lines if line]
    assert told[0] == (21.0, "track_faces               11 of 100 shards, 31.4/min, about 2 min 50 s left")
    assert told[-1][1] == "track_faces              100 of 100 shards, done in 3 min 19 s"
    assert len(told) == 10


def test_a_run_of_days_stays_readable():
    progress = Progress.of({"track_faces": 40_000})
    lines = 0
    for number in range(40_000):
        progress.start(number, "track_faces", {"shard": "0"}, "", 10.0 * number)
        lines += bool(progress.finish(number, 10.0 * number + 9))
    assert lines < 200


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(9.6, "10 s"), (61, "1 min 1 s"), (3000, "50 min"), (7260, "2 h 1 min"), (250_000, "2.9 days")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_file_gets_the_bar_without_control_characters_and_a_line_a_minute(tmp_path):
    log = tmp_path / "x.log"
    log.write_text(BAR)
    assert plain_bar(last_bar(BAR)) == "train: 75% 48/64 [00:03<00:01, 15.20image/s, loss=1.1]"
    screen = screen_of({"train_model": 1})
    screen.emit(started(1, "train_model", log=str(log)))
    screen.look()
    assert screen.stream.getvalue() == ""
    screen.told -= 100
    screen.look()
    screen.look()
    assert screen.stream.getvalue() == "train: 75% 48/64 [00:03<00:01, 15.20image/s, loss=1.1]\n"


def test_a_failed_job_is_told_with_its_reason_and_its_log(tmp_path):
    log = tmp_path / "x.log"
    log.write_text("INFO begin\nerror: a.json is damaged; delete it.\n")
    screen = screen_of({"track_faces": 2})
    screen.emit(started(1, shard="00001", log=str(log)))
    screen.emit(record(LogEvent.JOB_ERROR, logging.ERROR, jobid=1, rule_name="track_faces", log=[str(log)]))
    assert screen.stream.getvalue() == (
        f"FAILED track_faces a/00001\n  error: a.json is damaged; delete it.\n  all of its log: {log}\n"
    )


def test_a_job_that_was_stopped_has_not_failed(tmp_path):
    log = tmp_path / "x.log"
    log.write_text("error: stopped; run the same command again to resume.\n")
    screen = screen_of({"track_faces": 2})
    screen.emit(started(1, shard="00001", log=str(log)))
    screen.emit(record(LogEvent.JOB_ERROR, logging.ERROR, jobid=1, rule_name="track_faces", log=[str(log)]))
    assert screen.stream.getvalue() == "stopped track_faces a/00001\n"


def test_warnings_of_a_job_reach_the_screen_and_none_is_lost(tmp_path):
    screen = screen_of({"track_faces": 2})
    for number in range(2):
        log = tmp_path / f"{number}.log"
        log.write_text(
            "".join(f"WARNING clip {number}{part} failed\n" for part in range(2)) + "UserWarning: of a library\n"
        )
        screen.emit(started(number, shard=f"0000{number}", log=str(log)))
        screen.emit(record(LogEvent.JOB_FINISHED, job_id=number))
    screen.finish("done")
    written = screen.stream.getvalue()
    for clip in ("00", "01", "10"):
        assert f"clip {clip} failed" in written
    assert "1 more warnings of track_faces are in logs/track_faces" in written
    assert "UserWarning" not in written


def test_only_what_is_replaced_is_hidden(tmp_path):
    log = tmp_path / "x.log"
    log.touch()
    assert hides(started(1))
    assert hides(record(LogEvent.RUN_INFO))
    assert hides(record(None, message="Building DAG of jobs..."))
    assert hides(record(LogEvent.JOB_ERROR, logging.ERROR, log=[str(log)]))
    # Without a log of its own nothing but Snakemake's block has the reason, as when a scheduler refuses a job.
    assert not hides(record(LogEvent.JOB_ERROR, logging.ERROR, log=[]))
    assert not hides(record(LogEvent.JOB_ERROR, logging.ERROR, log=[str(tmp_path / "absent.log")]))
    assert not hides(record(None, logging.WARNING, "Building DAG of jobs took long"))
    assert not hides(record(None, message="something new"))
    assert not hides(record(LogEvent.ERROR, logging.ERROR, "MissingInputException", exception="MissingInputException"))
