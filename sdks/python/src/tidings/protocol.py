"""The words that worker, relay and browser agree on: updates, offsets, close codes, waiting times. No I/O.

Its cases are the JSON files in ``conformance/`` of the project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Literal

MAX_UPDATE_BYTES = 1_048_576
MAX_USER_ID_BYTES = 256
MAX_TYPE_BYTES = 128
BROADCAST_TARGET = "*"
RESERVED_TYPE_PREFIX = "tidings."

#: One sentence for the publisher for each fault of an update.
FAULTS: dict[str, str] = {
    "too_large": "the update is larger than max_update_bytes",
    "not_json": "the update is not JSON in UTF-8",
    "not_object": "the update is not a JSON object",
    "target_missing": 'the field "target_user_id" is missing; "*" means every user',
    "target_invalid": '"target_user_id" must be a string of 1 to 256 bytes without control characters',
    "target_duplicate": '"target_user_id" stands more than once',
    "type_missing": 'the field "type" is missing',
    "type_invalid": '"type" must be a string of 1 to 128 bytes',
    "type_reserved": 'types that begin with "tidings." belong to the relay',
    "type_duplicate": '"type" stands more than once',
    "payload_missing": 'the field "payload" is missing; it may be any JSON value, null too',
}

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_SPACES = re.compile(r"[ \t\n\r]*")


def target_fault(target: object) -> str | None:
    """The fault of a value as the target of an update, or ``None``. ``"*"`` is a broadcast."""
    is_good = _is_name(target, MAX_USER_ID_BYTES) and not _CONTROL.search(str(target))
    return None if is_good else "target_invalid"


def type_fault(value: object) -> str | None:
    """The fault of a value as the type of an update, or ``None``."""
    if not _is_name(value, MAX_TYPE_BYTES):
        return "type_invalid"
    return "type_reserved" if str(value).startswith(RESERVED_TYPE_PREFIX) else None


def _is_name(value: object, max_bytes: int) -> bool:
    if not isinstance(value, str) or value == "":
        return False
    try:
        return len(value.encode()) <= max_bytes
    except UnicodeEncodeError:
        return False


@dataclass(frozen=True)
class ReadUpdate:
    """A valid update: whom it is for, and what a client gets."""

    target: str
    frame: str

    def frame_at(self, offset: str) -> str:
        """The frame with its offset as the last member, as an update from a log is sent."""
        return f'{self.frame[: self.frame.rindex("}")]},"offset":"{offset}"}}'


def read_update(text: bytes | str, max_update_bytes: int = MAX_UPDATE_BYTES) -> ReadUpdate | str:
    """Reads an update as the relay does: what it says, or the first fault. Payloads that nest very deeply are one."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(raw) > max_update_bytes:
        return "too_large"
    try:
        decoded = raw.decode()
        members = _scan_members(decoded)
    except (ValueError, RecursionError):
        return "not_json"
    if members is None:
        return "not_object"
    return _judge(decoded, members)


@dataclass(frozen=True)
class _Member:
    key: str
    value: object
    start: int
    end: int


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _number_text(text: str) -> object:
    # Numbers are not read: they may have more digits than Python likes to convert.
    return None


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_number_text, parse_float=_number_text)


def _skip(text: str, at: int) -> int:
    match = _SPACES.match(text, at)
    assert match is not None
    return match.end()


def _scan_members(text: str) -> list[_Member] | None:
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        _, end = _DECODER.raw_decode(text, at)
        if _skip(text, end) != len(text):
            raise ValueError("more than one value")
        return None
    members: list[_Member] = []
    at = _skip(text, at + 1)
    mark = text[at : at + 1]
    if mark != "}":
        while True:
            start = at
            if text[at : at + 1] != '"':
                raise ValueError("no key")
            key, at = scanstring(text, at + 1, True)
            at = _skip(text, at)
            if text[at : at + 1] != ":":
                raise ValueError("no colon")
            value, end = _DECODER.raw_decode(text, _skip(text, at + 1))
            members.append(_Member(key, value, start, end))
            at = _skip(text, end)
            mark = text[at : at + 1]
            if mark != ",":
                break
            at = _skip(text, at + 1)
    if mark != "}" or _skip(text, at + 1) != len(text):
        raise ValueError("no end")
    return members


def _judge(text: str, members: list[_Member]) -> ReadUpdate | str:
    places: dict[str, int] = {}
    for index, member in enumerate(members):
        if member.key in places and member.key in ("target_user_id", "type"):
            return "target_duplicate" if member.key == "target_user_id" else "type_duplicate"
        places.setdefault(member.key, index)
    if "target_user_id" not in places:
        return "target_missing"
    place = places["target_user_id"]
    target = members[place].value
    if target_fault(target):
        return "target_invalid"
    if "type" not in places:
        return "type_missing"
    fault = type_fault(members[places["type"]].value)
    if fault:
        return fault
    if "payload" not in places:
        return "payload_missing"
    if place > 0:
        start, end = members[place - 1].end, members[place].end
    else:
        start, end = members[0].start, members[1].start
    return ReadUpdate(str(target), text[:start] + text[end:])


@dataclass(frozen=True)
class Offset:
    """A place in a log. Offsets of different epochs do not compare."""

    epoch: str
    n: int


@dataclass(frozen=True)
class Since:
    """From where to resume in the log of the user and in that of broadcasts; ``None`` is live."""

    user: Offset | Literal["earliest"] | None
    broadcast: Offset | Literal["earliest"] | None


_OFFSET = re.compile(r"(\*?)([A-Za-z0-9_-]{1,32})\.(0|[1-9][0-9]{0,15})")
_MAX_SINCE_LENGTH = 128
_MAX_SAFE_INTEGER = 2**53 - 1


def format_offset(target: str, epoch: str, n: int) -> str:
    """An offset of the log of a user, or of broadcasts where the target is ``"*"``, as text."""
    return f'{"*" if target == BROADCAST_TARGET else ""}{epoch}.{n}'


def parse_since(text: str) -> Since | None:
    """Reads ``earliest``, one offset, or one of a user and one of broadcasts; ``None`` where it is none of these."""
    if text == "earliest":
        return Since("earliest", "earliest")
    if len(text) > _MAX_SINCE_LENGTH:
        return None
    found: dict[str, Offset] = {}
    for part in text.split(","):
        match = _OFFSET.fullmatch(part)
        if match is None:
            return None
        mark, epoch, digits = match.groups()
        if mark in found or int(digits) > _MAX_SAFE_INTEGER:
            return None
        found[mark] = Offset(epoch, int(digits))
    return Since(found.get(""), found.get("*"))


ComeBack = Literal["now", "later", "new_token", "never"]

#: The name of each code with which the relay closes a connection, and whether a client should come back.
CLOSE_CODES: dict[int, tuple[str, ComeBack]] = {
    1001: ("going_away", "later"),
    1002: ("protocol_error", "never"),
    1007: ("bad_text", "never"),
    1008: ("policy", "never"),
    1009: ("too_big", "never"),
    1011: ("internal", "later"),
    1013: ("try_later", "later"),
    4400: ("bad_message", "never"),
    4401: ("token_refused", "new_token"),
    4403: ("forbidden", "never"),
    4408: ("heartbeat_lost", "now"),
    4409: ("replaced", "never"),
    4429: ("too_many_messages", "later"),
    4480: ("too_slow", "now"),
}

_ADVICE = re.compile(r"; retry_after_ms=([0-9]+)$")


def come_back(code: int) -> ComeBack:
    """Whether to come back after a close code, where ``tidings.closing`` did not say."""
    return CLOSE_CODES[code][1] if code in CLOSE_CODES else "later"


def retry_after_ms(reason: str) -> int | None:
    """The milliseconds that the reason of a close asks to stay away, or ``None``."""
    match = _ADVICE.search(reason)
    return None if match is None else int(match[1])


def full_jitter(failures: int, *, first: float, longest: float, random: Callable[[], float]) -> float:
    """How long to wait after ``failures`` failures in a row, counted from 0: anything below a bound that doubles."""
    bound = longest if failures > 60 else min(longest, first * 2.0**failures)
    return random() * bound
