"""What a newcomer reads during a run, and where the rest is."""

import pytest

from tests.conftest import TINY
from tests.workflow import snakemake

pytestmark = pytest.mark.slow

TARGET = ("--cores", "2", "--configfile", str(TINY), "--", "resources/embedded/audio/00000.json")


def test_a_line_a_stage_on_the_screen_and_a_block_a_job_in_the_log(finished, tmp_path):
    done = snakemake(finished.project, tmp_path, *TARGET)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) < 20
    assert f"folder  {tmp_path} (all outputs)" in lines
    for word in ("plan    4 jobs; embedded 3 clips", "time    about ", "disk    about ", "log     .snakemake/log/"):
        assert any(line.startswith(word) for line in lines), word
    for rule in ("synthesise_clips", "track_faces", "align_faces", "extract_audio"):
        assert len([line for line in lines if line.startswith(f"{rule} ") and "1 of 1 shard, done in " in line]) == 1
    assert not any(ord(letter) < 32 for line in lines for letter in line)
    [log] = (tmp_path / ".snakemake/log").glob("*.log")
    text = log.read_text()
    assert "rule track_faces:" in text and "4 of 4 steps (100%) done" in text
    again = snakemake(finished.project, tmp_path, *TARGET)
    assert "nothing to do: all that was asked for is up to date" in again.stderr


def test_printshellcmds_gives_snakemake_s_own_blocks(finished, tmp_path):
    target = (*TARGET[:-1], "resources/embedded/source/00000.json")
    done = snakemake(finished.project, tmp_path, "--printshellcmds", *target)
    assert "rule synthesise_clips:" in done.stderr
    assert "python -m workflow_scripts.synthesise_clips" in done.stderr
