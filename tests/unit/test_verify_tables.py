"""The tables of a folder against the per-clip results: equal, edited, missing."""

import pytest

from dheads_model.stages.table_rows import read_rows
from dheads_model.tables.table1 import to_csv, to_markdown, to_tex
from dheads_model.tables.table1_html import to_html
from dheads_model.tables.table3 import table3_files
from tests.factories.measured import TABLE_SETTINGS, measured_manifests
from tests.workflow import call
from workflow_scripts import verify_tables

ABLATION = [{"method": "ours", "audio_radius": 2}]


@pytest.fixture
def arguments(tmp_path):
    metrics = measured_manifests(tmp_path)
    _, rows, notes = read_rows(metrics, TABLE_SETTINGS, [])
    texts = {"table1.csv": to_csv(rows), "table1.md": to_markdown(rows, notes), "table1.tex": to_tex(rows)}
    texts |= {"table1.html": to_html(rows, notes)}
    texts |= {f"table3.{form}": text for form, text in table3_files(rows, ABLATION).items()}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {
        "metrics": metrics, "distances": [], "indexes": [], "settings": TABLE_SETTINGS, "planned": {}, "repeats": {},
        "ablation": ABLATION, "key": "", "votes": "", "folder": str(tmp_path),
    }  # fmt: skip


def test_untouched_tables_are_equal(arguments, capsys):
    call(verify_tables.main, **arguments)
    assert capsys.readouterr().out.count(": equal\n") == 8


@pytest.mark.parametrize("name", ["table1.csv", "table1.html", "table3.md"])
def test_one_changed_digit_is_found(arguments, tmp_path, capsys, name):
    path = tmp_path / name
    path.write_bytes(path.read_bytes().replace(b"2", b"3", 1))
    with pytest.raises(SystemExit) as stop:
        call(verify_tables.main, **arguments)
    assert stop.value.code == 1
    assert f"{path}: differs from the per-clip results" in capsys.readouterr().out


def test_a_missing_table_is_found(arguments, tmp_path, capsys):
    (tmp_path / "table1.tex").unlink()
    with pytest.raises(SystemExit):
        call(verify_tables.main, **arguments)
    assert f"{tmp_path / 'table1.tex'}: missing" in capsys.readouterr().out
