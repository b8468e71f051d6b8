"""Stand-ins for Slurm's commands, so that submission is tested where there is no Slurm.

sbatch keeps its arguments and runs the job in the background, or what a test gives instead; sacct and squeue tell the states.
Scripts of a few lines that share one folder of files: ID.args (JSON), ID.name, ID.state, ID.out;
asked (states were asked for), cancelled (arguments of scancel).
"""

import json
import os
import sys
from pathlib import Path

_SBATCH = """
import itertools, json, os, pathlib, subprocess, sys
folder, arguments = pathlib.Path(os.environ["FAKE_SLURM"]), sys.argv[1:]
# Several submissions run at once: who creates the file of a number has the number.
for number in map(str, itertools.count(1001)):
    try:
        with open(folder / f"{number}.name", "x") as stream:
            stream.write(arguments[arguments.index("--job-name") + 1])
        break
    except FileExistsError:
        continue
(folder / f"{number}.state").write_text("RUNNING")
(folder / f"{number}.writing").write_text(json.dumps(arguments))
os.rename(folder / f"{number}.writing", folder / f"{number}.args")
wrapped = next(word[len("--wrap="):] for word in arguments if word.startswith("--wrap="))
comment = arguments[arguments.index("--comment") + 1]
# What a test gives: shell text by the beginning of a comment, and by the number of the submission with this comment.
given = json.loads((folder / "instead.json").read_text())
before = [path for path in folder.glob("*.args") if json.loads(path.read_text())[arguments.index("--comment") + 1] == comment]
for beginning, commands in given.items():
    if comment.startswith(beginning):
        wrapped = commands[min(len(before), len(commands)) - 1] or wrapped
state = folder / f"{number}.state"
ended = f"test $code = 0 && echo COMPLETED > {state} || echo FAILED > {state}"
end = f"code=$?; if test -s {state}.given; then mv {state}.given {state}; else {ended}; fi"
subprocess.Popen(
    ["bash", "-c", f'export FAKE_STATE={state}.given; ({wrapped}) > {folder}/{number}.out 2>&1; {end}'],
    env=os.environ | {"SLURM_JOB_ID": number}, start_new_session=True,
    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
print(number)
"""
_STATES = """
import os, pathlib
folder = pathlib.Path(os.environ["FAKE_SLURM"])
for path in sorted(folder.glob("*.state")):
    print(f"{path.stem}|{path.read_text().strip()}")
(folder / "asked").touch()
"""
_SCANCEL = """
import os, pathlib, sys
folder = pathlib.Path(os.environ["FAKE_SLURM"])
with open(folder / "cancelled", "a") as stream:
    stream.write(" ".join(sys.argv[1:]) + "\\n")
"""
# srun: the job step without its options.
_SRUN = """
import os, sys
words = sys.argv[1:]
while words[0].startswith("-"):
    words.pop(0)
os.execvp(words[0], words)
"""
_SINFO = """
import sys
print({"--format=%c": "64", "%P": "main*"}.get(sys.argv[-1], ""))
"""
_SCRIPTS = {"sbatch": _SBATCH, "sacct": _STATES, "squeue": _STATES, "scancel": _SCANCEL, "srun": _SRUN, "sinfo": _SINFO}


def install(folder: Path, instead: dict[str, list[str | None]] | None = None) -> dict[str, str]:
    """Write the commands to a folder; returns environment variables for who is to call them.

    instead: {beginning of a job's comment: what its first, second ... submission runs}; None runs the job itself.
    A command that writes a state to $FAKE_STATE ends in that state.
    """
    (folder / "bin").mkdir(parents=True)
    for name in (*_SCRIPTS, "scontrol", "sacctmgr", "sshare"):
        path = folder / "bin" / name
        path.write_text(f"#!{sys.executable}\n{_SCRIPTS.get(name, '')}", encoding="utf-8")
        path.chmod(0o755)
    (folder / "instead.json").write_text(json.dumps(instead or {}), encoding="utf-8")
    return {"FAKE_SLURM": str(folder), "PATH": f"{folder}/bin{os.pathsep}{os.environ['PATH']}"}


def submissions(folder: Path) -> list[tuple[str, dict[str, str]]]:
    """(rules or group, options) of the submitted jobs, oldest first."""
    paths = sorted(folder.glob("*.args"))
    return [_read(json.loads(path.read_text())) for path in paths]


def _read(arguments: list[str]) -> tuple[str, dict[str, str]]:
    options = {}
    for place, word in enumerate(arguments):
        if word.startswith("-") and not word.startswith("--wrap="):
            name, given, value = word.partition("=")
            following = arguments[place + 1] if place + 1 < len(arguments) else "-"
            options[name] = value if given else "" if following.startswith("-") else following
    return options["--comment"], options


def output_of(folder: Path, place: int) -> str:
    """What the job of a submission (0, 1, ...) printed."""
    return (folder / f"{1001 + place}.out").read_text(encoding="utf-8")
