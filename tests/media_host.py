"""A host of media on the loopback interface that behaves, and misbehaves, as real ones do."""

import base64
import contextlib
import hashlib
import http.server
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"


@dataclass
class MediaHost:
    """files: bytes by path. trouble: by path (or "batch"), what the next requests meet instead of a good answer, in order:
    "drop N" (cut after N bytes), "stall", "slow", "wrong", "long", "STATUS", "STATUS after SECONDS", "pointer", "page",
    "redirect", "no ranges". login: user and password that a file costs, None for nothing. asked: (path, first byte) of
    every request for a file's bytes."""

    files: dict[str, bytes]
    url: str = ""
    login: tuple[str, str] | None = None
    trouble: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    asked: list[tuple[str, int]] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sources(self, *kinds: str) -> list[dict]:
        """Entries of crema_d.sources for this host."""
        addresses = {"git-lfs": f"{self.url}/corpus.git", "files": f"{self.url}/files/"}
        return [{"kind": kind, "url": addresses[kind]} for kind in kinds]

    def next_trouble(self, path: str) -> str:
        """What this request meets; "" for a good answer. "always X" stays."""
        with self.lock:
            waiting = self.trouble[path]
            if not waiting:
                return ""
            return waiting[0].removeprefix("always ") if waiting[0].startswith("always ") else waiting.pop(0)


@contextlib.contextmanager
def serve(files: dict[str, bytes]) -> Iterator[MediaHost]:
    """A running host; its address is in `url`."""
    host = MediaHost(files)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(host))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


def _handler(host: MediaHost):
    by_hash = {hashlib.sha256(content).hexdigest(): path for path, content in host.files.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with host.lock:
                host.asked.append(("batch", len(asked["objects"])))
            trouble = host.next_trouble("batch")
            if trouble[:3].isdigit():
                self.status(trouble, {"message": "This repository is over its data quota."})
                return
            objects = []
            for item in asked["objects"]:
                path = by_hash.get(item["oid"])
                if path is None:
                    objects.append({**item, "error": {"code": 404, "message": "Object does not exist"}})
                else:
                    href = f"{host.url}/files/{path}?signature=secret"
                    objects.append({**item, "actions": {"download": {"href": href, "header": {"X-Token": "secret"}}}})
            self.answer(200, json.dumps({"transfer": "basic", "objects": objects}).encode())

        def do_HEAD(self):
            path = self.path.removeprefix("/files/").removeprefix("/moved/")
            if self.path.startswith("/files/") and "redirect" in host.trouble[path]:
                self.head(302, 0, {"Location": f"{host.url}/moved/{path}"})
            elif self.welcome() and path in host.files:
                self.head(200, len(host.files[path]))
            else:
                self.head(404, 0)

        def welcome(self) -> bool:
            if host.login is None:
                return True
            expected = base64.b64encode(":".join(host.login).encode()).decode()
            return self.headers.get("Authorization") == f"Basic {expected}"

        def do_GET(self):
            path = self.path.partition("?")[0].removeprefix("/files/").removeprefix("/moved/")
            start = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
            with host.lock:
                host.asked.append((path, start))
                host.at_once += 1
                host.most_at_once = max(host.most_at_once, host.at_once)
            try:
                self.file(path, start)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with host.lock:
                    host.at_once -= 1

        def file(self, path: str, start: int) -> None:
            content, trouble = host.files.get(path), host.next_trouble(path)
            if not self.welcome():
                self.status("401")
            elif content is None:
                self.status("404")
            elif trouble[:3].isdigit():
                self.status(trouble)
            elif trouble == "redirect":
                self.send_response(302)
                self.send_header("Location", f"{host.url}/moved/{path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif trouble == "pointer":
                self.answer(200, POINTER % (hashlib.sha256(content).hexdigest().encode(), len(content)))
            elif trouble == "page":
                self.answer(200, b"<!DOCTYPE html><html>Please sign in</html>", "text/html; charset=utf-8")
            elif trouble == "wrong":
                self.answer(200, bytes(len(content)))
            elif trouble == "long":
                self.answer(200, content + b"more")
            elif start and trouble != "no ranges":
                if start >= len(content):
                    self.status("416")
                else:
                    self.partial(content, start, trouble)
            else:
                self.head(200, len(content))
                self.body(content, trouble)

        def partial(self, content: bytes, start: int, trouble: str) -> None:
            extent = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.head(206, len(content) - start, {"Content-Range": extent})
            self.body(content[start:], trouble)

        def body(self, content: bytes, trouble: str) -> None:
            if trouble.startswith("drop"):
                self.wfile.write(content[: int(trouble.split()[1])])
                self.close_connection = True
            elif trouble == "stall":
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                time.sleep(1.0)
                self.close_connection = True
            elif trouble == "slow":
                for first in range(0, len(content), -(-len(content) // 8)):
                    self.wfile.write(content[first : first + -(-len(content) // 8)])
                    self.wfile.flush()
                    time.sleep(0.05)
            else:
                self.wfile.write(content)

        def status(self, trouble: str, message: dict | None = None) -> None:
            code, _, after = trouble.partition(" after ")
            self.answer(int(code), json.dumps(message or {}).encode(), more={"Retry-After": after} if after else {})

        def answer(self, code: int, content: bytes, kind: str = "application/json", more: dict | None = None) -> None:
            self.head(code, len(content), {"Content-Type": kind, **(more or {})})
            self.wfile.write(content)

        def head(self, code: int, length: int, more: dict | None = None) -> None:
            self.send_response(code)
            for name, value in {"Content-Length": str(length), **(more or {})}.items():
                self.send_header(name, value)
            self.end_headers()

    return Handler
