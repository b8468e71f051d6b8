"""Snakemake whose imports are made once: a server that forks for every command, and the client that stands for `snakemake`.

Half of what a dry run takes are imports. `python tests/snakemake_server.py run SOCKET ARGUMENTS` does what `snakemake
ARGUMENTS` does: in a process of its own with the caller's folder, environment and files, and it ends with its exit code.
"""

import ast
import gc
import json
import os
import select
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(path: str, arguments: list[str]) -> int:
    """Let the server at a socket run Snakemake here; returns the exit code."""
    request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    text = json.dumps(request).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [len(text).to_bytes(8)], [0, 1, 2])
        connection.sendall(text)
        return int(connection.recv(8) or b"1")


def serve(path: str) -> None:
    """Answer at a socket until stdin ends; writes a line to stdout when it is ready."""
    import snakemake.cli

    snakemake.cli.get_argument_parser()  # imports the plugins
    _remember_trees()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                arguments = _answer(connection)
                break
            connection.close()
            _reap()
        else:
            return
    snakemake.cli.main(arguments)


def _remember_trees() -> None:
    """Let `ast.parse` know the syntax trees of the project's modules, which planning reads: of the same text, the same tree."""
    parse = ast.parse
    files = [path for package in ("dheads_model", "workflow_scripts") for path in (ROOT / package).rglob("*.py")]
    trees = {text: parse(text) for text in (path.read_text(encoding="utf-8") for path in files)}
    ast.parse = lambda text, *more, **named: (not more and not named and trees.get(text)) or parse(text, *more, **named)
    gc.freeze()


def _answer(connection: socket.socket) -> list[str]:
    """Return, as the caller, what it asks for, in a child whose end a parent reports to it."""
    head, files, _, _ = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as stream:
        request = json.loads(stream.read(int.from_bytes(head)))
    if child := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        connection.sendall(str(code if code >= 0 else 128 - code).encode())
        os._exit(0)
    connection.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    # As `python -m snakemake` has it.
    sys.path[0] = request["folder"]
    sys.argv = ["snakemake", *request["arguments"]]
    return request["arguments"]


def _reap() -> None:
    """Collect children that ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        sys.exit(run(sys.argv[2], sys.argv[3:]))
