"""The workflow as a Snakemake module of another workflow, with a config of a few lines."""

import pytest

from tests.conftest import TINY
from tests.workflow import ROOT, plan

pytestmark = pytest.mark.slow

OTHER = """
import yaml

module dheads:
    snakefile: "{project}/Snakefile"
    config: yaml.safe_load(open("{tiny}"))

use rule * from dheads as dheads_*

rule copy_table:
    input: "results/table1.csv"
    output: "paper/table1.csv"
    default_target: True
    shell: "cp {{input}} {{output}}"
"""


def test_another_workflow_takes_the_table_as_an_input(tmp_path):
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(OTHER.format(project=ROOT, tiny=TINY))
    work = tmp_path / "work"
    work.mkdir()
    found = plan(tmp_path / "workflow", work)
    assert found["copy_table"] == found["dheads_write_table1"] == found["dheads_train_model"] == 1
    assert found["dheads_track_faces"] == 3
