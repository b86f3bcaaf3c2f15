"""Joins tokens, without I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: How long tokens are joined before they are published, in seconds.
INTERVAL = 0.04
#: This many characters are published without waiting: an update stays small.
MOST_CHARACTERS = 16_384
#: With this many characters waiting, for Redis is slow or gone, writing waits too.
MOST_WAITING = 262_144

#: Makes the payload of joined text.
MakePayload = Callable[[str], Any]


def text_payload(text: str) -> Any:
    """``{"text": text}``."""
    return {"text": text}


class Joiner:
    """The text that was written and not taken yet, and all that was written."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._waiting_size = 0
        self._all: list[str] = []
        #: How many characters were written, and how many of them were taken.
        self.written = 0
        self.taken = 0

    def add(self, text: str) -> None:
        self._waiting.append(text)
        self._waiting_size += len(text)
        self.written += len(text)
        self._all.append(text)

    @property
    def text(self) -> str:
        """All that was written so far."""
        return "".join(self._all)

    @property
    def is_empty(self) -> bool:
        return self._waiting_size == 0

    @property
    def is_large(self) -> bool:
        """Whether there is enough for an update of its own."""
        return self._waiting_size >= MOST_CHARACTERS

    @property
    def is_full(self) -> bool:
        """Whether whoever writes has to wait."""
        return self._waiting_size >= MOST_WAITING

    def take(self) -> str:
        """The oldest text that waits, at most as much as one update should have."""
        joined = "".join(self._waiting)
        part, rest = joined[:MOST_CHARACTERS], joined[MOST_CHARACTERS:]
        self._waiting = [rest] if rest else []
        self._waiting_size = len(rest)
        self.taken += len(part)
        return part
