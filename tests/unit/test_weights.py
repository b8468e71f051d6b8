"""Weights are fetched with a hash or not at all; a loopback server plays the host."""

import hashlib
import re
from dataclasses import replace

import pytest

from dheads_model.download import RetryPolicy
from dheads_model.errors import UserError
from dheads_model.faces.face_alignment_network import DETECTOR_WEIGHTS, LANDMARK_WEIGHTS
from dheads_model.weights import Weights, check_weights, missing_reason, missing_weights, read_weights_table
from dheads_model.weights_fetch import adopt_weights, fetch_weights
from tests.media_host import serve
from tests.workflow import ROOT, call
from workflow_scripts import fetch_weights as fetch_command

CONTENT = bytes(range(256)) * 400
QUICK = RetryPolicy(attempts=2, first_wait=0.01, longest_wait=0.05, timeout=20)


@pytest.fixture
def host():
    with serve({"w.pth": CONTENT}) as running:
        yield running


def wanted(url, known=True):
    """The wanted file; known: its size and whole hash are published, otherwise ten digits of the hash alone."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    return (
        Weights("w.pth", len(CONTENT), digest, url, "none")
        if known
        else Weights("w.pth", None, digest[:10], url, "none")
    )


@pytest.mark.parametrize("known", [True, False])
def test_the_right_file_is_fetched_and_checked(host, tmp_path, known):
    fetch_weights(wanted(f"{host.url}/files/w.pth", known), tmp_path / "w.pth", QUICK)
    assert check_weights(tmp_path / "w.pth", wanted("")).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["w.pth"]


def test_a_cut_download_goes_on_where_it_stopped_in_the_next_run(host, tmp_path):
    host.trouble["w.pth"] = ["drop 51200", "404"]
    with pytest.raises(UserError, match="answers 404"):
        fetch_weights(wanted(f"{host.url}/files/w.pth"), tmp_path / "w.pth", QUICK)
    assert not (tmp_path / "w.pth").exists()
    fetch_weights(wanted(f"{host.url}/files/w.pth"), tmp_path / "w.pth", QUICK)
    assert host.asked[-1][1] > 30000
    assert (tmp_path / "w.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("known", [True, False])
def test_another_file_is_thrown_away(host, tmp_path, known):
    host.trouble["w.pth"] = ["always wrong"]
    with pytest.raises(UserError, match="another file than expected"):
        fetch_weights(wanted(f"{host.url}/files/w.pth", known), tmp_path / "w.pth", QUICK)
    assert not list(tmp_path.iterdir())


def test_errors_of_the_host_say_what_to_do(host, tmp_path):
    with pytest.raises(UserError, match=r"answers 404 .*put the file at .*w.pth by hand"):
        fetch_weights(wanted(f"{host.url}/files/none"), tmp_path / "w.pth", QUICK)
    with pytest.raises(UserError, match=r"cannot be reached .*run again later"):
        fetch_weights(wanted("http://127.0.0.1:9/x"), tmp_path / "w.pth", QUICK)


def test_missing_and_altered_files_are_never_opened(tmp_path):
    with pytest.raises(UserError, match=r"run `snakemake --cores 1 resources/weights/w.pth`"):
        check_weights(tmp_path / "w.pth", wanted("u"))
    (tmp_path / "w.pth").write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(UserError, match="delete it and fetch it again"):
        check_weights(tmp_path / "w.pth", wanted("u"))


def test_the_mirror_gives_what_the_first_host_does_not(host, tmp_path):
    wrong = replace(wanted(f"{host.url}/files/none"), mirror=f"{host.url}/files/w.pth")
    fetch_weights(wrong, tmp_path / "w.pth", QUICK)
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    host.trouble["w.pth"] = ["always wrong"]
    with pytest.raises(UserError, match=r"answers 404.*; .*another file than expected"):
        fetch_weights(wrong, tmp_path / "again.pth", QUICK)
    assert not (tmp_path / "again.pth").exists()


def test_why_a_metric_is_not_computed(tmp_path):
    reason = missing_reason(tmp_path, wanted("u"))
    assert reason == "not computed: weights missing (snakemake --cores 1 resources/weights/w.pth)"
    (tmp_path / "w.pth").write_bytes(b"")
    assert missing_reason(tmp_path, wanted("u")) == ""


def test_the_table_names_what_the_back_end_loads():
    table = read_weights_table(ROOT / "config/weights.tsv")
    assert {LANDMARK_WEIGHTS, DETECTOR_WEIGHTS} <= set(table)
    for name, weights in table.items():
        # Torch hub's names end in the first digits of the hash.
        if found := re.search(r"-([0-9a-f]{8,})\.", name):
            assert weights.sha256.startswith(found[1])
        assert re.fullmatch("[0-9a-f]{10}|[0-9a-f]{64}", weights.sha256)
        assert weights.url.startswith("https://") and weights.licence and weights.needed_by


def test_files_that_are_more_than_tensors_have_a_whole_hash():
    script = read_weights_table(ROOT / "config/weights.tsv")["i3d_torchscript.pt"]
    assert len(script.sha256) == 64 and script.bytes == 51235320


def test_a_local_folder_is_adopted_once_its_file_is_right(tmp_path):
    folder, target = tmp_path / "mine", tmp_path / "resources/weights/w.pth"
    folder.mkdir()
    assert not adopt_weights(wanted("u"), folder, target) and not target.exists()
    (folder / "w.pth").write_bytes(CONTENT)
    assert adopt_weights(wanted("u"), folder, target)
    assert target.read_bytes() == CONTENT == (folder / "w.pth").read_bytes()
    target.unlink()
    (folder / "w.pth").write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(UserError, match=r"mine/w.pth is not the file of u .*config key weights"):
        adopt_weights(wanted("u"), folder, target)
    assert not target.exists() and (folder / "w.pth").exists()


def test_a_file_that_only_its_user_has_is_asked_for_by_folder(tmp_path):
    mine = wanted("")
    assert missing_reason(tmp_path, mine).endswith("resources/weights/w.pth --config weights=FOLDER)")
    with pytest.raises(
        UserError, match=r"has no URL of w.pth: run `snakemake .* --config weights=FOLDER` with its folder"
    ):
        fetch_weights(mine, tmp_path / "w.pth")
    (tmp_path / "w.pth").write_bytes(b"another")
    with pytest.raises(UserError, match=r"is not the file of the line w.pth of config/weights.tsv"):
        check_weights(tmp_path / "w.pth", mine)


def test_the_command_prefers_the_folder_and_needs_no_host_then(host, tmp_path):
    digest = hashlib.sha256(CONTENT).hexdigest()
    table = tmp_path / "weights.tsv"
    columns = "name\tbytes\tsha256\turl\tmirror\tlicence\tneeded_by\n"
    table.write_text(f"{columns}w.pth\t{len(CONTENT)}\t{digest}\t{host.url}/files/w.pth\t\tnone\ttests\n")
    (tmp_path / "mine").mkdir()
    target = tmp_path / "weights/w.pth"
    command = {"table": str(table), "name": "w.pth", "folder": str(tmp_path / "mine"), "output": str(target)}
    call(fetch_command.main, **command)
    assert len(host.asked) == 1 and target.read_bytes() == CONTENT
    target.rename(tmp_path / "mine/w.pth")
    call(fetch_command.main, **command)
    assert len(host.asked) == 1 and target.read_bytes() == CONTENT


def test_missing_weights_are_looked_for_in_every_folder(tmp_path):
    (tmp_path / "b").mkdir()
    name = "syncnet_v2.model"
    assert "resources/weights/syncnet_v2.model" in missing_weights([name], [tmp_path / "a", tmp_path / "b"])
    (tmp_path / "b" / name).touch()
    (tmp_path / "b" / "unlisted.pth").touch()
    assert missing_weights([name], [tmp_path / "a", tmp_path / "b"]) == ""
    assert "has no line unlisted.pth" in missing_weights([name, "unlisted.pth"], [tmp_path / "b"])
