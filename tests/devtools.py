"""A headless Chromium for tests, driven by the DevTools protocol over two pipes: no port, no library."""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
PLACE_AND_EXECUTE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
PATIENCE = 60.0  # seconds; a machine may be busy
KEYS = {" ": ("Space", 32), "Tab": ("Tab", 9), "End": ("End", 35), "Home": ("Home", 36)}
KEYS |= {f"Arrow{way}": (f"Arrow{way}", code) for way, code in (("Left", 37), ("Up", 38), ("Right", 39), ("Down", 40))}


def find_chromium() -> str:
    """Its path; without it a test is skipped, but fails where nobody would look at what was skipped."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        missing = f"no browser: none of {', '.join(NAMES)} is on the PATH (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


class Chromium:
    """The process; commands go in through its file descriptor 3, answers and events come out of 4, each up to a NUL."""

    def __init__(self, profile: Path) -> None:
        command = [find_chromium(), *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        pipes = [os.pipe() for _ in range(2)]
        # Moved out of the way first, so that neither sits where the other must go.
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (pipes[0][0], pipes[1][1])]
        self._in, self._out = pipes[0][1], pipes[1][0]

        self._process = subprocess.Popen(
            [sys.executable, "-c", PLACE_AND_EXECUTE, *map(str, theirs), *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=theirs,
        )
        for end in (pipes[0][0], pipes[1][1], *theirs):
            os.close(end)
        self._number, self._rest, self.events = 0, b"", list[dict[str, Any]]()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._in, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") != self._number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._out], [], [], PATIENCE)
            chunk = os.read(self._out, 1 << 20) if ready else b""
            if not chunk:
                raise RuntimeError("Chromium does not answer" if not ready else "Chromium has gone")
            self._rest += chunk
        line, self._rest = self._rest.split(b"\0", 1)
        return json.loads(line)

    def close(self) -> None:
        try:
            self.call("Browser.close")
        finally:
            os.close(self._in)
            os.close(self._out)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class Tab:
    """A page in it, of a given size, theme and motion."""

    def __init__(
        self, chromium: Chromium, url: str, size: tuple[int, int] = (800, 800), ratio: float = 1, **media: str
    ) -> None:
        self._chromium = chromium
        self._target = chromium.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = chromium.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": ratio, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.prefer(**media)
        self.call("Page.navigate", url=url)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._chromium.call(method, self._session, **parameters)

    def prefer(self, **media: str) -> None:
        """Such as color_scheme="dark"."""
        features = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in media.items()]
        self.call("Emulation.setEmulatedMedia", features=features)

    def evaluate(self, expression: str) -> Any:
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"]["exception"]["description"])
        return done["result"].get("value")

    def wait(self, condition: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(condition):
            if time.monotonic() > deadline:
                raise AssertionError(f"still not so: {condition}")
            time.sleep(0.02)

    def press(self, key: str) -> None:
        code, number = KEYS[key]
        event = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": " "} if key == " " else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, width and height, CSS pixels."""
        expression = f"(({{x, y, width, height}}) => [x, y, width, height])(document.querySelector('{selector}')"
        left, top, width, height = self.evaluate(expression + ".getBoundingClientRect())")
        return left, top, width, height

    def drag(self, *places: tuple[float, float]) -> None:
        """Presses at the first place, lets go at the last."""
        for kind, (x, y) in (
            ("mousePressed", places[0]),
            *(("mouseMoved", place) for place in places[1:]),
            ("mouseReleased", places[-1]),
        ):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def screenshot(self) -> np.ndarray:
        """(height, width, 3) uint8."""
        png = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        with Image.open(io.BytesIO(png)) as image:
            return np.asarray(image.convert("RGB"))

    def close(self) -> list[dict[str, Any]]:
        """What happened there: DevTools events."""
        self._chromium.call("Target.closeTarget", targetId=self._target)
        return [event for event in self._chromium.events if event.get("sessionId") == self._session]
