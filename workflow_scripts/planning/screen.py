"""What stands on the screen during a run: Snakemake's job blocks are replaced by a line a stage; its log file keeps them.

Snakemake's `--quiet` would thin out the log file as well, and a logger plugin has to be an installed package, without which
Snakemake refuses to start. So the Snakefile adds a handler to Snakemake's own logger and a filter to its screen handler.
Only what is known and replaced is hidden; all else, warnings above all, passes.
"""

import atexit
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable

from snakemake.logging import logger
from snakemake_interface_executor_plugins.settings import ExecMode
from snakemake_interface_logger_plugins.common import LogEvent

from workflow_scripts.planning.failures import STOPPED, last_sentence
from workflow_scripts.planning.stage_lines import Progress, duration, last_bar, plain_bar, warnings_of

_REPLACED = (
    LogEvent.JOB_INFO,
    LogEvent.JOB_STARTED,
    LogEvent.JOB_FINISHED,
    LogEvent.GROUP_INFO,
    LogEvent.SHELLCMD,
    LogEvent.RUN_INFO,
    LogEvent.RESOURCES_INFO,
    LogEvent.PROGRESS,
    LogEvent.WORKFLOW_STARTED,
)
# Messages without a kind, by their beginning.
_KNOWN = (
    "Building DAG of jobs",
    "Using shell:",
    "Singularity containers: ignored",
    "Conda environments: ignored",
    "Group jobs: inactive",
    "Config file ",
    "Complete log(s):",
    "Elapsed time:",
    "Select jobs to execute",
    "Nothing to be done",
)
# Seconds between two looks at the running jobs: on a terminal, and for a file, where each look can be a line.
_TERMINAL_SECONDS, _FILE_SECONDS = 1.0, 60.0
_TAIL = 4096


class Screen(logging.Handler):
    """Handler that prints the lines of a run.

    stream: that of Snakemake's screen handler. tell_results: is called when there is nothing to do.
    """

    def __init__(self, stream, tell_results: Callable[[], None]):
        super().__init__(logging.INFO)
        self.stream, self.tell_results = stream, tell_results
        self.terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.progress = Progress()
        self.begun = self.told = time.monotonic()
        self.live = ""
        self.stopped = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Print what a record of Snakemake's log changes."""
        event, now = getattr(record, "event", None), time.monotonic()
        if event == LogEvent.RUN_INFO:
            self.progress = Progress.of(record.stats)
        elif event is None and str(record.msg).startswith("Nothing to be done"):
            self.say("nothing to do: all that was asked for is up to date")
            self.tell_results()
        elif event == LogEvent.JOB_INFO and (record.output or record.log):
            wildcards = {name: str(value) for name, value in dict(record.wildcards or {}).items()}
            self.progress.start(record.jobid, record.rule_name, wildcards, (record.log or [""])[0], now)
        elif event == LogEvent.JOB_FINISHED:
            self._finish(record.job_id, now)
        elif event == LogEvent.JOB_ERROR and replaceable(record):
            self._fail(record)

    def _finish(self, jobid: int, now: float) -> None:
        job = self.progress.running.get(jobid)
        line = self.progress.finish(jobid, now)
        if job is not None and job.log:
            for warning in self.progress.warn(job.rule, warnings_of(read_end(job.log, None))):
                self.say(f"warning of {job.rule} {job.name}: {warning} ({job.log})")
        if line:
            self.say(line)

    def _fail(self, record: logging.LogRecord) -> None:
        job = self.progress.running.pop(record.jobid, None)
        log = record.log[0]
        name = f"{record.rule_name} {job.name if job else ''}".rstrip()
        sentence = last_sentence(log)
        if sentence == STOPPED:
            self.say(f"stopped {name}")
            return
        self.say(f"FAILED {name}")
        self.say(f"  {sentence}")
        self.say(f"  all of its log: {log}")

    def say(self, text: str) -> None:
        """Print a line above the live one."""
        self.clear()
        self.stream.write(f"{text}\n")
        self.stream.flush()
        self.told = time.monotonic()

    def clear(self) -> None:
        """Remove the live line of a terminal."""
        if self.live:
            self.stream.write("\r\x1b[K")
            self.live = ""

    def look(self) -> None:
        """Show the progress bar of a running job, else the counts: as the live line of a terminal, or as a line of a file."""
        with self.lock:
            if not self.progress.running:
                return
            bars = filter(
                None, (last_bar(read_end(job.log, _TAIL)) for job in list(self.progress.running.values())[:8])
            )
            bar = next(bars, "")
            if self.terminal:
                self.clear()
                self.live = (bar or self.progress.counts())[: shutil.get_terminal_size().columns - 1]
                self.stream.write(self.live)
                self.stream.flush()
            elif time.monotonic() - self.told >= max(_FILE_SECONDS, 0.05 * (time.monotonic() - self.begun)):
                self.say(plain_bar(bar) if bar else self.progress.counts())

    def watch(self) -> None:
        """Look again and again until the run ends; the body of a thread."""
        while not self.stopped.wait(_TERMINAL_SECONDS if self.terminal else 1.0):
            self.look()

    def finish(self, word: str) -> None:
        """The last line of the run. word: how it ended."""
        self.stopped.set()
        with self.lock:
            for rule, count in self.progress.unshown().items():
                self.say(f"{count} more warnings of {rule} are in logs/{rule}")
            done = sum(stage.done for stage in self.progress.stages.values())
            self.say(
                f"{word} after {duration(time.monotonic() - self.begun)}, {done} job{'' if done == 1 else 's'} done"
            )


class Replaced(logging.Filter):
    """Filter of Snakemake's screen handler: what `screen` prints in another form does not pass."""

    def __init__(self, screen: Screen):
        super().__init__()
        self.screen = screen

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether Snakemake prints a record on the screen."""
        if hides(record):
            return False
        with self.screen.lock:
            self.screen.clear()
        return True


def hides(record: logging.LogRecord) -> bool:
    """Whether a record is shown in another form, or says nothing about the run."""
    event = getattr(record, "event", None)
    if event == LogEvent.JOB_ERROR:
        return replaceable(record)
    if event == LogEvent.ERROR:
        # A failed shell command with all of its text; the job's error has its reason.
        return getattr(record, "exception", "") == "RuleException" and "CalledProcessError" in str(record.msg)
    if record.levelno > logging.INFO:
        return False
    return event in _REPLACED or (event is None and str(record.msg).startswith(_KNOWN))


def replaceable(record: logging.LogRecord) -> bool:
    """Whether a failed job has a log with its reason; otherwise Snakemake's block is all that is known."""
    return bool(record.log) and os.path.isfile(record.log[0])


def read_end(path: str, size: int | None) -> str:
    """The last bytes of a file as text, all of it for None; "" if it cannot be read."""
    try:
        with open(path, "rb") as stream:
            if size is not None:
                stream.seek(max(os.fstat(stream.fileno()).st_size - size, 0))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def open_screen(workflow, snakefile: str, tell_results: Callable[[], None]) -> Screen | None:
    """Replace the job blocks of this process's screen, unless it is a job's own Snakemake or details were asked for.

    Details: --printshellcmds, --verbose, --quiet, --debug-dag, a dry run, a logger plugin, or this Snakefile as the module of
    another one, whose screen is its own.
    """
    about = workflow.output_settings
    if about.dryrun or about.verbose or about.printshellcmds or about.debug_dag or about.quiet:
        return None
    if workflow.exec_mode != ExecMode.DEFAULT or os.path.realpath(workflow.main_snakefile) != os.path.realpath(
        snakefile
    ):
        return None
    found = [handler for handler in logger.handlers if handler.name == "DefaultStreamHandler"]
    if not found:
        return None
    screen = Screen(found[0].stream, tell_results)
    found[0].addFilter(Replaced(screen))
    # On a full disk every line of the log file would print a traceback, which would bury the error itself.
    logging.raiseExceptions = False
    logger.addHandler(screen)
    return screen


def begin_watch(screen: Screen) -> None:
    """Start the live line; it ends with the process, however the run ends."""
    thread = threading.Thread(target=screen.watch, daemon=True)
    thread.start()

    def end() -> None:
        # A thread that writes while the interpreter ends would abort it.
        screen.stopped.set()
        thread.join()
        screen.clear()

    atexit.register(end)
