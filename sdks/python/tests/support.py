"""A real Redis, a real relay, and a plain browser's side of the wire."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import RedisError

ROOT = Path(__file__).resolve().parents[3]
BUN = ROOT / "node_modules/bun/bin/bun.exe"
API_KEY = "an-api-key-of-a-test"
PATIENCE = 30.0

T = TypeVar("T")


def eventually(what: str, condition: Callable[[], T]) -> T:
    """Polls until the condition gives something that is true, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE:g} s in vain: {what}")
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """A redis-server of the test's own, on a port that outlives a restart."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        eventually("redis-server answers", self._answers)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def cli(self, *words: str) -> Any:
        with Redis.from_url(self.url) as client:
            return client.execute_command(*words)

    def _answers(self) -> bool:
        try:
            return bool(self.cli("PING"))
        except RedisError:
            return False


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Relay:
    """A running relay."""

    def __init__(self, port: int, redis_url: str) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.redis_url = redis_url

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def relay_process(command: str, redis_url: str | None = None, **settings: str) -> Iterator[Relay]:
    """``tidings serve`` on a Redis, or ``tidings dev`` with its embedded broker, ready to deliver."""
    port, embedded_port = free_port(), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/tmp"),
        "TIDINGS_HOST": "127.0.0.1",
        "TIDINGS_PORT": str(port),
        "TIDINGS_EMBEDDED_PORT": str(embedded_port),
        "TIDINGS_INSECURE_USER_ID": "true",
        "TIDINGS_API_KEY": API_KEY,
        "TIDINGS_DRAIN_WINDOW": "0s",
        **settings,
    }
    if redis_url is not None:
        environment["TIDINGS_REDIS_URL"] = redis_url
    words = [str(BUN), "packages/server/src/cli/main.ts", command]
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
    reader.start()
    relay = Relay(port, redis_url or f"redis://127.0.0.1:{embedded_port}")
    try:

        def ready() -> bool:
            if process.poll() is not None:
                reader.join()
                raise AssertionError("the relay ended:\n" + "".join(lines))
            return relay.is_ready()

        eventually("the relay is ready", ready)
        yield relay
    finally:
        process.kill()
        process.wait()


class Browser:
    """A plain WebSocket client: keeps every update, and can send."""

    def __init__(self, relay: Relay, user: str) -> None:
        self.frames: list[str] = []
        self._socket = socket.create_connection(("127.0.0.1", relay.port), timeout=PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET /ws?user_id={user} HTTP/1.1\r\nHost: 127.0.0.1:{relay.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._stream = self._socket.makefile("rb")
        assert b" 101 " in self._stream.readline()
        while self._stream.readline() != b"\r\n":
            pass
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def updates(self) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in self.frames]

    @property
    def text(self) -> str:
        return "".join(update["payload"]["text"] for update in self.updates)

    def send(self, message: object) -> None:
        data = json.dumps(message).encode()
        assert len(data) < 65_536
        length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xFE]) + struct.pack(">H", len(data))
        # A mask of zeros leaves the data as it is.
        self._socket.sendall(b"\x81" + length + bytes(4) + data)

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                head = self._stream.read(2)
                if len(head) < 2:
                    return
                length = head[1]
                if length >= 126:
                    size, form = (2, ">H") if length == 126 else (8, ">Q")
                    (length,) = struct.unpack(form, self._stream.read(size))
                data = self._stream.read(length)
            except (OSError, ValueError):
                return
            if head[0] == 0x81:
                self.frames.append(data.decode())


@contextmanager
def browser(relay: Relay, user: str) -> Iterator[Browser]:
    one = Browser(relay, user)
    try:
        yield one
    finally:
        one.close()
