"""A headless Chromium that a test drives by the DevTools protocol over a pipe, so that no package is needed."""

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--mute-audio", "--remote-debugging-pipe",
)  # fmt: skip
KEYS = {
    " ": ("Space", 32), "ArrowUp": ("ArrowUp", 38), "ArrowDown": ("ArrowDown", 40), "ArrowLeft": ("ArrowLeft", 37),
    "ArrowRight": ("ArrowRight", 39),
}  # fmt: skip


class Page:
    """A page in the browser. complaints: console errors, uncaught exceptions and failed requests so far; requested: addresses
    of everything that was loaded."""

    def __init__(self, reading: int, writing: int):
        self._reading, self._writing, self._buffer, self._last = reading, writing, b"", 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self.requested: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters) -> dict:
        """Send a command of the protocol and return its result; events that come before it are noted."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def open(self, path: Path, width: int, height: int, mobile: bool = False) -> None:
        """Open a file in a window of this size and wait until it is loaded."""
        self.complaints.clear()
        self.requested.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait_for("document.readyState === 'complete'")

    def value(self, expression: str):
        """Value of a JavaScript expression, awaited, run as if a person had asked for it, which sound needs."""
        how = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        found = self.call("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 30) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self.value(expression):
            assert time.monotonic() < end, f"{expression} is not true after {seconds} s; {self.complaints}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press and release a key, as a person does."""
        code, number = KEYS[key]
        about = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": key} if key == " " else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self, path: Path, quality: int | None = None) -> None:
        """Write a screenshot, PNG, or JPEG of a quality in percent."""
        import base64

        kind = {"format": "jpeg", "quality": quality} if quality else {"format": "png"}
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **kind)["data"]))

    def _read(self) -> dict:
        while b"\0" not in self._buffer:
            assert select.select([self._reading], [], [], 60)[0], "the browser does not answer"
            received = os.read(self._reading, 1 << 20)
            assert received, "the browser ended"
            self._buffer += received
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict) -> None:
        about = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(about["exceptionDetails"]))
        elif event["method"] == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(about["args"]))
        elif event["method"] == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.complaints.append(str(about["entry"]))
        elif event["method"] == "Network.requestWillBeSent":
            self.requested.append(about["request"]["url"])


def find_browser() -> str:
    """Path of an installed Chromium or Chrome; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is installed: none of {', '.join(NAMES)}")
    return found


@contextmanager
def browser_page(profile: Path) -> Iterator[Page]:
    """A page of a new browser, whose profile is written to a folder that need not exist; both end with the block."""
    program = find_browser()
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()
    # The protocol's pipes are descriptors 3 and 4; shells only redirect single digits, which the pipes may not have.
    redirected = 'exec 3<&0 </dev/null 4>&1 >/dev/null; exec "$@"'
    process = subprocess.Popen(
        ["sh", "-c", redirected, "sh", program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdin=commands, stdout=answers, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(commands)
    os.close(answers)
    try:
        yield Page(from_browser, to_browser)
    finally:
        os.close(to_browser)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(from_browser)
