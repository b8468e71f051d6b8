"""Weights are fetched with a hash or not at all; a loopback server plays the host."""

import hashlib
import http.server
import threading

import pytest

from dheads_model.errors import UserError
from dheads_model.weights import Weights, check_weights, fetch_weights, read_weights_table
from tests.workflow import ROOT

CONTENT = bytes(range(256)) * 400


class Host(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT at /good (with ranges) and /cut (half of it), something else at /other."""

    asked: list = []  # noqa: RUF012

    def do_GET(self):
        start = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
        self.asked.append((self.path, start))
        body = {"/good": CONTENT[start:], "/cut": CONTENT[: len(CONTENT) // 2], "/other": b"x" * len(CONTENT)}.get(
            self.path
        )
        if body is None:
            self.send_error(404)
            return
        self.send_response(206 if start and self.path == "/good" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def host():
    Host.asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


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
    fetch_weights(wanted(f"{host}/good", known), tmp_path / "w.pth")
    assert check_weights(tmp_path / "w.pth", wanted("")).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["w.pth"]


def test_a_cut_download_goes_on_where_it_stopped(host, tmp_path):
    with pytest.raises(UserError, match="cut off after 51200 bytes; run again"):
        fetch_weights(wanted(f"{host}/cut"), tmp_path / "w.pth")
    assert not (tmp_path / "w.pth").exists()
    fetch_weights(wanted(f"{host}/good"), tmp_path / "w.pth")
    assert Host.asked == [("/cut", 0), ("/good", 51200)]
    assert (tmp_path / "w.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("known", [True, False])
def test_another_file_is_thrown_away(host, tmp_path, known):
    with pytest.raises(UserError, match="another file than expected"):
        fetch_weights(wanted(f"{host}/other", known), tmp_path / "w.pth")
    assert not list(tmp_path.iterdir())


def test_errors_of_the_host_say_what_to_do(host, tmp_path):
    with pytest.raises(UserError, match=r"answers 404 .*put the file at .*w.pth by hand"):
        fetch_weights(wanted(f"{host}/none"), tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"cannot be reached .*run again online"):
        fetch_weights(wanted("http://127.0.0.1:9/x"), tmp_path / "w.pth")


def test_missing_and_altered_files_are_never_opened(tmp_path):
    with pytest.raises(UserError, match=r"run `snakemake --cores 1 resources/weights/w.pth`"):
        check_weights(tmp_path / "w.pth", wanted("u"))
    (tmp_path / "w.pth").write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(UserError, match="delete it and fetch it again"):
        check_weights(tmp_path / "w.pth", wanted("u"))


def test_the_table_names_what_the_back_end_loads():
    table = read_weights_table(ROOT / "config/weights.tsv")
    assert {"2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"} <= set(table)
    # Torch hub's names begin with the hash they stand for.
    for name, weights in table.items():
        assert weights.sha256.startswith(name.split("-")[1].split(".")[0])
