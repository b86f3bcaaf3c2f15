"""Messages from browsers, without I/O: one generator says what to do next, and a sync or an async driver does it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Union

from redis import exceptions as redis_errors

from ._delivery import Sleep, Surroundings
from .errors import Refused
from .protocol import full_jitter

logger = logging.getLogger("tidings")

#: A connection from which nothing came for this long is asked whether it lives, and given up after as long again.
SILENCE = 15.0
#: How often the driver looks whether it should stop, in seconds.
GLANCE = 0.5
FIRST_WAIT = 0.05
LONGEST_WAIT = 2.0


@dataclass(frozen=True)
class Message:
    """What a browser sent. The user comes from its token, everything else from the browser: check it."""

    user: str
    connection_id: str
    type: str
    payload: Any
    received_at: datetime


@dataclass(frozen=True)
class Interruption:
    """The subscription was lost and is back: messages between may have been missed."""

    #: Seconds from the moment the loss was seen to the new subscription.
    seconds: float
    #: What was wrong, for the log.
    cause: str


def parse_message(data: bytes | str) -> Message | None:
    """Reads what a relay published on ``inbound``; ``None`` where no relay wrote it."""
    try:
        value = json.loads(data)
        if not isinstance(value, dict):
            return None
        user, connection_id, kind = value["user_id"], value["connection_id"], value["type"]
        texts = (user, connection_id, kind, value["received_at"])
        if not all(isinstance(text, str) for text in texts):
            return None
        # Python 3.10 does not know the Z.
        received_at = datetime.fromisoformat(value["received_at"].replace("Z", "+00:00"))
        return Message(user, connection_id, kind, value["payload"], received_at)
    except (ValueError, KeyError, RecursionError):
        return None


@dataclass(frozen=True)
class Open:
    """Leave the old subscription, if there is one, and make a new one."""


@dataclass(frozen=True)
class Read:
    """Wait for what comes, at most this many seconds; the answer is redis-py's message or ``None``."""

    seconds: float


@dataclass(frozen=True)
class Ping:
    """Ask whether the connection lives; the answer comes by ``Read``."""


@dataclass(frozen=True)
class Ready:
    """The subscription stands."""


InboxStep = Union[Open, Read, Ping, Sleep, Ready, Message]
Inbox = Generator[InboxStep, Any, None]


def read_inbox(surroundings: Surroundings, on_interruption: Callable[[Interruption], None] | None) -> Inbox:
    """Subscribes, yields messages, and subscribes again for as long as it is asked."""
    lost_at: float | None = None
    cause = ""
    failures = 0
    while True:
        try:
            yield Open()
            subscribed = False
            asked = False
            heard_at = surroundings.now()
            while True:
                event = yield Read(GLANCE)
                now = surroundings.now()
                if event is None:
                    if now - heard_at > SILENCE * 2:
                        raise redis_errors.TimeoutError("nothing came from Redis")
                    if now - heard_at > SILENCE and not asked:
                        asked = True
                        yield Ping()
                    continue
                heard_at = now
                asked = False
                if event["type"] == "subscribe":
                    # A second confirmation: redis-py has replaced the connection by itself.
                    if subscribed:
                        lost_at, cause = now, "the connection to Redis was replaced"
                    subscribed = True
                    failures = 0
                    if lost_at is not None:
                        _report(Interruption(now - lost_at, cause), on_interruption)
                        lost_at = None
                    yield Ready()
                elif event["type"] == "message":
                    message = parse_message(event["data"])
                    if message is None:
                        logger.warning("a message on the inbound channel was not written by a relay; passed over")
                    else:
                        yield message
        except (redis_errors.AuthenticationError, redis_errors.NoPermissionError) as error:
            raise Refused(str(error)) from error
        except (redis_errors.RedisError, OSError) as error:
            if lost_at is None:
                lost_at = surroundings.now()
            cause = str(error)
            yield Sleep(full_jitter(failures, first=FIRST_WAIT, longest=LONGEST_WAIT, random=surroundings.random))
            failures += 1


def _report(interruption: Interruption, on_interruption: Callable[[Interruption], None] | None) -> None:
    logger.warning(
        "messages may have been missed: no subscription for %.1f s (%s)", interruption.seconds, interruption.cause
    )
    if on_interruption is not None:
        on_interruption(interruption)
