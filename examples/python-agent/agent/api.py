"""The agent's own HTTP interface, for the web application's server and nobody else."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .messages import Ask, Cancel, read_message
from .store import Store

_LONGEST_BODY = 64 * 1024


class Api:
    """``GET /conversation?user=`` answers what the store has; ``POST /messages`` takes what could not go by WebSocket."""

    def __init__(self, host: str, port: int, key: str, store: Store, take: Callable[[Ask | Cancel], None]) -> None:
        loop = asyncio.get_running_loop()
        expected = f"Bearer {key}".encode()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                place = urlsplit(self.path)
                user = parse_qs(place.query).get("user", [""])[0]
                if not self._is_allowed():
                    return
                if place.path != "/conversation" or not user:
                    return self._answer(HTTPStatus.NOT_FOUND, {"message": "There is nothing here."})
                self._answer(HTTPStatus.OK, store.conversation(user))

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length) if length <= _LONGEST_BODY else b""
                if not self._is_allowed():
                    return
                message = _message_of(body)
                if self.path != "/messages" or message is None:
                    return self._answer(HTTPStatus.BAD_REQUEST, {"message": "This is no message for the agent."})
                loop.call_soon_threadsafe(take, message)
                self._answer(HTTPStatus.ACCEPTED, {})

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing: the web application logs its own requests."""

            def _is_allowed(self) -> bool:
                given = (self.headers.get("authorization") or "").encode()
                if hmac.compare_digest(given, expected):
                    return True
                self._answer(HTTPStatus.UNAUTHORIZED, {"message": "The key is missing or wrong."})
                return False

            def _answer(self, status: HTTPStatus, value: object) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, name="api", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _message_of(body: bytes) -> Ask | Cancel | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("user"), str):
        return None
    return read_message(value["user"], str(value.get("type")), value.get("payload"))
