"""Who writes the answer: quotations, or a language model."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .sections import Section

#: How long a language model may stay silent, in seconds.
_SILENCE = 60.0
_LONGEST_ANSWER = 20_000

_NOTHING_FOUND = (
    "The documentation says nothing that matches these words. Other words may find more: "
    "try the name of a setting, a close code or a command."
)
_INSTRUCTIONS = (
    "You answer questions about Tidings, a relay that brings updates of AI workers to browsers. Answer briefly, in "
    "Markdown, from the excerpts of its documentation alone, and say so when they do not hold the answer."
)


@dataclass(frozen=True)
class Finding:
    """A section that was read for the answer, and the part of it that matters, as Markdown."""

    section: Section
    excerpt: str


#: Writes the answer to a question from what was found, piece by piece, as Markdown.
Writer = Callable[[str, Sequence[Finding]], AsyncIterator[str]]


class WriterFailed(Exception):
    """The answer could not be written; the sentence is fit for the user's eyes."""


def quoting_writer(words_per_second: float) -> Writer:
    """Answers by quoting what was found, without a language model and without the network."""

    async def write(_question: str, findings: Sequence[Finding]) -> AsyncIterator[str]:
        for word in re.findall(r"\s*\S+(?:\s+$)?", _quotation(findings)):
            yield word
            await asyncio.sleep(1 / words_per_second)

    return write


def _quotation(findings: Sequence[Finding]) -> str:
    if not findings:
        return _NOTHING_FOUND
    parts: list[str] = []
    for finding in findings:
        lead = "See also" if parts else "The documentation answers this in"
        place = f"**{finding.section.heading}** (`{finding.section.file}`)"
        quote = "\n".join(f"> {line}".rstrip() for line in finding.excerpt.split("\n"))
        parts.append(f"{lead} {place}:\n\n{quote}")
    return "\n\n".join(parts)


def chat_writer(base_url: str, model: str, api_key: str | None) -> Writer:
    """Has the answer written by an OpenAI-compatible chat completions endpoint.

    :param base_url: up to and without ``/chat/completions``, such as ``https://api.openai.com/v1``.
    """
    place = urlsplit(base_url)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise ValueError("OPENAI_BASE_URL is not an address")

    async def write(question: str, findings: Sequence[Finding]) -> AsyncIterator[str]:
        connect = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = connect(place.hostname or "", place.port, timeout=_SILENCE)
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[str | Exception | None] = asyncio.Queue()

        def put(piece: str | Exception | None) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def read() -> None:
            try:
                headers = {"content-type": "application/json", "accept": "text/event-stream"}
                if api_key:
                    headers["authorization"] = f"Bearer {api_key}"
                body = json.dumps(_request(model, question, findings))
                connection.request("POST", f"{place.path.rstrip('/')}/chat/completions", body, headers)
                _read_deltas(connection.getresponse(), put)
                put(None)
            except WriterFailed as error:
                put(error)
            except (OSError, http.client.HTTPException, ValueError):
                put(WriterFailed("The language model cannot be reached, or broke off."))

        threading.Thread(target=read, name="language-model", daemon=True).start()
        length = 0
        try:
            while length < _LONGEST_ANSWER:
                piece = await pieces.get()
                if piece is None:
                    return
                if isinstance(piece, Exception):
                    raise piece
                length += len(piece)
                yield piece
        finally:
            # The thread that reads ends with its socket.
            if connection.sock is not None:
                try:
                    connection.sock.shutdown(2)
                except OSError:
                    pass

    return write


def _request(model: str, question: str, findings: Sequence[Finding]) -> dict[str, object]:
    excerpts = "\n\n".join(
        f"## {finding.section.file} › {finding.section.heading}\n{finding.section.body[:4_000]}" for finding in findings
    )
    return {
        "model": model,
        "stream": True,
        "messages": [
            {"role": "system", "content": _INSTRUCTIONS},
            {"role": "user", "content": f"{excerpts}\n\n# Question\n{question}"},
        ],
    }


def _read_deltas(response: http.client.HTTPResponse, put: Callable[[str], None]) -> None:
    if response.status != 200:
        raise WriterFailed(f"The language model refused with status {response.status}.")
    for line in response:
        if not line.startswith(b"data:"):
            continue
        data = line[len(b"data:") :].strip()
        if data == b"[DONE]":
            return
        event = json.loads(data)
        if "error" in event:
            raise WriterFailed("The language model reports an error.")
        choices = event.get("choices") or [{}]
        piece = (choices[0].get("delta") or {}).get("content")
        if isinstance(piece, str) and piece:
            put(piece)
    raise WriterFailed("The language model broke off in the middle of its answer.")
