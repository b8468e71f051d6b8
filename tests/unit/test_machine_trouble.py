"""A full disk and a folder that cannot be written end as a sentence, also where a library hides the reason."""

import errno
import os
import resource
import subprocess
import sys

import pytest

from dheads_model.machine_trouble import machine_trouble

WRITERS = {
    "state": "from dheads_model.training.state import save_state; "
    "save_state('state', {'images': 8, 'weights': torch.zeros(10**6)})",
    "export": "from dheads_model.network.tensor_file import save_tensors; "
    "save_tensors('model.safetensors', {'weights': torch.zeros(10**6)}, {'format': 'x'})",
    "json": "from dheads_model.files import write_json; write_json('a.json', ['x' * 10**6])",
}

COMMAND = """
import sys, torch


from workflow_scripts.command import command_parser, run_command

def main(given):
    {}
sys.argv = ["command"]
run_command("workflow_scripts.command", command_parser("a test"), main)
"""


def limit_files():
    """Writing stops at 100 kB, as on a disk that is full then; the signal that comes with it is ignored by Python."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))


@pytest.mark.parametrize("what", WRITERS)
def test_a_write_that_the_machine_refuses_is_one_sentence_and_leaves_nothing(tmp_path, root, what):
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND.format(WRITERS[what])],
        cwd=tmp_path, env=environment, capture_output=True, text=True, preexec_fn=limit_files,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: a file grew beyond what this machine allows")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_full_disk_is_called_so_where_pytorch_hides_it(tmp_path, monkeypatch):
    import torch

    from dheads_model.machine_trouble import opened_for_library

    with pytest.raises(OSError) as told, opened_for_library("/dev/full") as stream:
        torch.save({"weights": torch.zeros(10**6)}, stream)
    assert told.value.errno == errno.ENOSPC
    assert str(machine_trouble(told.value)).startswith("the disk is full at /dev/full: make room")


def test_a_state_that_was_written_that_way_is_read_again(tmp_path):
    import torch

    from dheads_model.training.state import load_state, save_state

    save_state(tmp_path, {"images": 8, "weights": torch.arange(100_000), "identity": {"a": 1}})
    assert torch.equal(load_state(tmp_path, {"a": 1})["weights"], torch.arange(100_000))


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EACCES, "out cannot be read or written"),
     (errno.EROFS, "Read-only file system"), (errno.ENOENT, None)],
)  # fmt: skip
def test_which_errors_are_the_machine_s(number, sentence):
    found = machine_trouble(OSError(number, os.strerror(number), "out"))
    assert found is None if sentence is None else sentence in str(found)
