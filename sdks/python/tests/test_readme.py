"""The snippets of the README run as they stand, but for their addresses."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import API_KEY, Relay, browser

HERE = Path(__file__).resolve().parents[1]
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", (HERE / "README.md").read_text(encoding="utf-8"), re.M | re.S)


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) == 6


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[str(n) for n in range(len(SNIPPETS))])
def test_a_snippet_runs(snippet: str, relay: Relay) -> None:
    code = snippet.replace("redis://127.0.0.1:6379", relay.redis_url)
    code = code.replace("http://127.0.0.1:8080", relay.url).replace("an-api-key", API_KEY)
    with browser(relay, "alice") as page:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(HERE / "src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            # For the one that listens; it may not have begun yet.
            page.send({"type": "stop", "payload": {"run": "r_1"}})
            time.sleep(0.1)
        process.kill()
        assert process.stdout is not None
        with process.stdout:
            output = process.stdout.read()
        assert process.wait() == 0, output
        if "publish(" in snippet:
            assert page.frames
