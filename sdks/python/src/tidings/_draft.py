"""Updates on their way out: built and checked before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from .errors import MalformedUpdate
from .protocol import BROADCAST_TARGET, FAULTS, format_offset, target_fault, type_fault

_OWN_FIELDS = frozenset({"target_user_id", "type", "payload", "id", "seq", "producer", "offset"})
_MAX_LOG_FIELD_BYTES = 256
_MAX_SAFE_INTEGER = 2**53 - 1

#: What ``json.dumps`` calls for values that JSON has no word for.
Default = Callable[[Any], Any]


@dataclass(frozen=True)
class Update:
    """One update for ``publish_many``; the fields are the arguments of ``publish``."""

    user: str
    type: str
    payload: Any
    id: str | int | None = None
    seq: int | None = None
    producer: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """An update as it is sent, with the id under which a repeat is known."""

    target: str
    id: str | int
    text: bytes

    @property
    def key(self) -> str:
        """The key of the log it belongs in."""
        return f"tidings:{{{self.target}}}:log"

    def offset(self, position: str) -> str:
        """The offset that clients see for a position ``<epoch>.<n>``."""
        epoch, _, n = position.rpartition(".")
        return format_offset(self.target, epoch, int(n))


def make_draft(update: Update, *, max_update_bytes: int, default: Default | None, broadcast: bool = False) -> Draft:
    """Checks an update and makes its text, with an id of its own where it has none.

    :raises MalformedUpdate: where it breaks a rule. ``"*"`` is a target only of a broadcast, so that a stray user id
        cannot show one user's data to all.
    """
    target = BROADCAST_TARGET if broadcast else update.user
    if not broadcast and target == BROADCAST_TARGET:
        raise MalformedUpdate("target_invalid", '"*" means every user: call broadcast() for that')
    for fault in (target_fault(target), type_fault(update.type)):
        if fault is not None:
            raise MalformedUpdate(fault, FAULTS[fault])
    update_id: str | int = uuid4().hex if update.id is None else update.id
    _check_log_fields(update, update_id)
    members: dict[str, Any] = {"target_user_id": target, "type": update.type, "payload": update.payload}
    for name, value in update.fields.items():
        if not isinstance(name, str) or name in _OWN_FIELDS:
            raise MalformedUpdate("field_taken", f"{name!r} cannot be one of the other fields of an update")
        members[name] = value
    if update.producer is not None:
        members["producer"] = update.producer
    if update.seq is not None:
        members["seq"] = update.seq
    members["id"] = update_id
    text = _encode(members, default)
    if len(text) > max_update_bytes:
        raise MalformedUpdate("too_large", f"the update has {len(text)} bytes, and {max_update_bytes} are the most")
    return Draft(target, update_id, text)


def _check_log_fields(update: Update, update_id: str | int) -> None:
    if isinstance(update_id, bool) or not isinstance(update_id, (str, int)) or not _is_short(update_id):
        raise MalformedUpdate("id_invalid", '"id" must be a string or a whole number of at most 256 bytes as JSON')
    if update.producer is not None and not (isinstance(update.producer, str) and _is_short(update.producer)):
        raise MalformedUpdate("producer_invalid", '"producer" must be a string of at most 256 bytes as JSON')
    seq = update.seq
    if seq is not None and (isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= _MAX_SAFE_INTEGER):
        raise MalformedUpdate("seq_invalid", '"seq" must be a whole number from 0 to 2^53 - 1')


def _is_short(value: str | int) -> bool:
    return len(_encode(value, None)) <= _MAX_LOG_FIELD_BYTES


def _encode(value: object, default: Default | None) -> bytes:
    try:
        try:
            return _dump(value, default, ascii_only=False).encode()
        except UnicodeEncodeError:
            # Half of a surrogate pair can stand in JSON only as an escape.
            return _dump(value, default, ascii_only=True).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedUpdate("not_json", f"the update cannot be written as JSON: {error}") from error


def _dump(value: object, default: Default | None, *, ascii_only: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"), default=default)
