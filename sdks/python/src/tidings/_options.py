"""What the sync and the async publisher are configured with."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._delivery import Deliverer, History, Surroundings
from ._draft import Default, Draft, Update, make_draft
from .errors import MalformedUpdate
from .protocol import MAX_UPDATE_BYTES

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379"
#: How long Redis may take to connect and to answer one command, in seconds.
REDIS_TIMEOUT = 5.0
#: How long the relay may take to answer, in seconds.
RELAY_TIMEOUT = 5.0


@dataclass(frozen=True)
class Options:
    """Everything but the connection."""

    history: History = "auto"
    retry_for: float = 30.0
    channel: str = "updates"
    inbound_channel: str = "inbound"
    relay_url: str | None = None
    api_key: str | None = None
    max_update_bytes: int = MAX_UPDATE_BYTES
    default: Default | None = None

    def __post_init__(self) -> None:
        if self.history not in (True, False, "auto"):
            raise ValueError(f'history must be True, False or "auto", not {self.history!r}')
        if not self.retry_for >= 0:
            raise ValueError("retry_for must be 0 or more seconds")

    def deliverer(self) -> Deliverer:
        """What decides how updates get to Redis."""
        return Deliverer(
            history=self.history, channel=self.channel, retry_for=self.retry_for, surroundings=system_surroundings()
        )

    def draft(self, update: Update, *, broadcast: bool = False) -> Draft:
        """One update, checked."""
        return make_draft(
            update, max_update_bytes=self.max_update_bytes, default=self.default, broadcast=broadcast
        )

    def drafts(self, updates: Sequence[Update]) -> list[Draft]:
        """All updates, or the fault of the first malformed one with its place."""
        drafts: list[Draft] = []
        for index, update in enumerate(updates):
            try:
                drafts.append(self.draft(update))
            except MalformedUpdate as fault:
                raise MalformedUpdate(fault.fault, fault.sentence, index) from fault
        return drafts


def update_of(
    user: str,
    type: str,
    payload: Any,
    id: str | int | None,
    seq: int | None,
    producer: str | None,
    fields: Mapping[str, Any] | None,
) -> Update:
    """The update that the arguments of ``publish`` describe."""
    return Update(user, type, payload, id, seq, producer, fields or {})


def from_environment(name: str, value: str | None) -> str | None:
    """What was given, else what the environment says."""
    return value if value is not None else os.environ.get(name) or None


def system_surroundings() -> Surroundings:
    """The clock and the dice of this machine."""
    return Surroundings(now=time.monotonic, random=random.random)
