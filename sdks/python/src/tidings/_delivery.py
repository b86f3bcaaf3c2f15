"""How updates get to Redis, without I/O: one generator says what to do, and a sync or an async driver does it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Literal, Union

from redis import exceptions as redis_errors

from ._draft import Draft
from .errors import HistoryOff, MalformedUpdate, Refused, TidingsError, Unavailable, Unconfirmed
from .protocol import full_jitter

#: Whether to store updates in the relay's log: ``"auto"`` finds out.
History = Union[bool, Literal["auto"]]

FIRST_WAIT = 0.05
LONGEST_WAIT = 2.0
#: How long what "auto" found out holds, in seconds.
MODE_LIFE = 30.0
#: At most this many updates, and about this many bytes, go to Redis at once.
MOST_AT_ONCE = 256
MOST_BYTES_AT_ONCE = 4 * 1_048_576

LOG_CHANNEL = "tidings:log"
CONTROL_CHANNEL = "tidings:control"


@dataclass(frozen=True)
class Commands:
    """Send these in one go; the answer is a list of replies, with exceptions where Redis refused."""

    lines: Sequence[tuple[str | bytes, ...]]


@dataclass(frozen=True)
class Sleep:
    """Wait this long, in seconds."""

    seconds: float


#: Who listens: relays with history, relays without, none; or Redis does not say.
Sight = Literal["history", "plain", "nobody", "unknown"]
Step = Union[Commands, Sleep]
Delivery = Generator[Step, list[object], list[Union[str, None]]]


@dataclass(frozen=True)
class Surroundings:
    """Time and chance, handed in so that tests own them."""

    now: Callable[[], float]
    random: Callable[[], float]


class _Passing(Exception):
    """A fault that passes: try again."""


class Deliverer:
    """Knows whether the relay keeps history, and turns drafts into commands, repeats and offsets."""

    def __init__(self, *, history: History, channel: str, retry_for: float, surroundings: Surroundings) -> None:
        self._setting = history
        self._channel = channel
        self._retry_for = retry_for
        self._surroundings = surroundings
        self._found: Sight | None = None
        self._found_until = 0.0

    def deliver(self, drafts: Sequence[Draft]) -> Delivery:
        """Publishes all drafts in their order; the offset of each, or ``None`` where there is no history."""
        offsets: list[str | None] = []
        try:
            for chunk in _chunks(drafts):
                offsets += yield from self._persist(chunk, len(offsets))
        except Unavailable as error:
            error.update_ids = tuple(draft.id for draft in drafts[len(offsets) :])
            raise
        return offsets

    def _persist(self, drafts: Sequence[Draft], before: int) -> Delivery:
        """Tries until it worked or the time is up."""
        deadline = self._surroundings.now() + self._retry_for
        failures = 0
        while True:
            try:
                return (yield from self._attempt(drafts, before))
            except _Passing as passing:
                wait = full_jitter(
                    failures, first=FIRST_WAIT, longest=LONGEST_WAIT, random=self._surroundings.random
                )
                if self._surroundings.now() + wait > deadline:
                    cause = passing.__cause__ or passing
                    if isinstance(cause, HistoryOff):
                        raise cause from None
                    raise Unavailable(f"not published within {self._retry_for:g} s: {cause}") from cause
                failures += 1
                yield Sleep(wait)

    def _attempt(self, drafts: Sequence[Draft], before: int) -> Delivery:
        sight = yield from self._look()
        if sight == "plain":
            yield from self._tell(drafts)
            return [None] * len(drafts)
        replies = yield from _ask([("FCALL", "tidings_publish", "1", one.key, one.text) for one in drafts])
        missing = next((reply for reply in replies if _is_missing(reply)), None)
        if missing is None:
            return [_offset(draft, reply, before + at) for at, (draft, reply) in enumerate(zip(drafts, replies))]
        # Functions are gone after a restart of Redis until a relay loads them.
        self._found = None
        if self._setting is True:
            raise _Passing from HistoryOff(f"the relay keeps no history: {missing}")
        if sight == "nobody":
            raise _Passing from TidingsError("no relay listens on this Redis")
        if sight != "unknown":
            raise _Passing from TidingsError(f"no relay has loaded its functions into Redis yet: {missing}")
        heard = yield from self._tell(drafts)
        if heard == 0:
            raise _Passing from TidingsError("no relay listens on this Redis")
        self._learn("plain")
        return [None] * len(drafts)

    def _look(self) -> Generator[Step, list[object], Sight]:
        """Who listens, as far as it is not known."""
        if self._setting != "auto":
            return "history" if self._setting else "plain"
        if self._found is not None and self._surroundings.now() < self._found_until:
            return self._found
        (reply,) = yield from _ask([("PUBSUB", "NUMSUB", LOG_CHANNEL, CONTROL_CHANNEL)])
        counts = _counts(reply)
        if counts is None:
            return "unknown"
        with_history, relays = counts
        if with_history == relays == 0:
            return "nobody"
        # Functions stay in a Redis whose relays were started again without history: nobody would deliver.
        return self._learn("history" if with_history > 0 else "plain")

    def _learn(self, sight: Sight) -> Sight:
        self._found = sight
        self._found_until = self._surroundings.now() + MODE_LIFE
        return sight

    def _tell(self, drafts: Sequence[Draft]) -> Generator[Step, list[object], int]:
        """Plain PUBLISH, at most once; how many listened to the one that most heard."""
        # What is lost together with its connection cannot be sent again, so the connection is tried first.
        yield from _ask([("PING",)])
        try:
            replies = yield Commands([("PUBLISH", self._channel, draft.text) for draft in drafts])
        except (redis_errors.ConnectionError, redis_errors.TimeoutError, OSError) as error:
            raise Unconfirmed(f"the connection to Redis was lost while publishing: {error}") from error
        heard = 0
        for reply in replies:
            if isinstance(reply, Exception):
                raise _translate(reply)
            heard = max(heard, int(str(reply)))
        return heard


def _chunks(drafts: Sequence[Draft]) -> Generator[Sequence[Draft], None, None]:
    start = size = 0
    for at, draft in enumerate(drafts):
        if at > start and (at - start == MOST_AT_ONCE or size + len(draft.text) > MOST_BYTES_AT_ONCE):
            yield drafts[start:at]
            start, size = at, 0
        size += len(draft.text)
    if start < len(drafts):
        yield drafts[start:]


def _ask(lines: Sequence[tuple[str | bytes, ...]]) -> Generator[Step, list[object], list[object]]:
    """Sends commands that may be repeated; what passes by itself is raised as such."""
    try:
        replies = yield Commands(lines)
    except (redis_errors.AuthenticationError, redis_errors.AuthorizationError) as error:
        raise Refused(str(error)) from error
    except (redis_errors.RedisError, OSError) as error:
        raise _translate(error) from error
    for reply in replies:
        if isinstance(reply, Exception) and _passes(reply):
            raise _Passing from reply
    return replies


_REFUSAL = re.compile(r"tidings: ([a-z_]+): (.*)", re.DOTALL)
_PASSING_CODES = (
    "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "MISCONF", "NOREPLICAS", "OOM",
)  # fmt: skip
_PASSING_ERRORS = (
    redis_errors.ConnectionError, redis_errors.TimeoutError, redis_errors.ReadOnlyError,
    redis_errors.OutOfMemoryError, OSError,
)  # fmt: skip


def _passes(error: Exception) -> bool:
    if isinstance(error, (redis_errors.AuthenticationError, redis_errors.AuthorizationError)):
        return False
    return isinstance(error, _PASSING_ERRORS) or str(error).startswith(_PASSING_CODES)


def _translate(error: Exception) -> Exception:
    if _passes(error):
        passing = _Passing()
        passing.__cause__ = error
        return passing
    return Refused(f"Redis refused: {error}")


_NO_LOG = re.compile(r"function not found|unknown command|tidings: history_off", re.IGNORECASE)


def _is_missing(reply: object) -> bool:
    return isinstance(reply, redis_errors.ResponseError) and _NO_LOG.search(str(reply)) is not None


def _offset(draft: Draft, reply: object, index: int) -> str:
    if isinstance(reply, bytes):
        reply = reply.decode()
    if isinstance(reply, str):
        return draft.offset(reply)
    assert isinstance(reply, Exception), reply
    match = _REFUSAL.search(str(reply))
    if match is not None:
        raise MalformedUpdate(match[1], match[2], index)
    raise _translate(reply)


def _counts(reply: object) -> tuple[int, int] | None:
    """How many listen on the log's and on the control channel, or ``None`` where Redis does not say."""
    if isinstance(reply, Exception):
        return None
    counts: list[int] = []
    if isinstance(reply, (list, tuple)):
        # redis-py makes pairs of the reply, or leaves it flat.
        for item in reply:
            if isinstance(item, (list, tuple)):
                counts.append(int(item[1]))
            elif isinstance(item, int):
                counts.append(item)
    return (counts[0], counts[1]) if len(counts) == 2 else None
