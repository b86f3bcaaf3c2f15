"""Malformed updates are named before anything is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tidings import MalformedUpdate, Tidings, Update
from tidings._draft import make_draft
from tidings.protocol import ReadUpdate, read_update

NOWHERE = "redis://127.0.0.1:1"


@pytest.mark.parametrize(
    ("user", "type", "payload", "more", "fault"),
    [
        ("", "t", 1, {}, "target_invalid"),
        (None, "t", 1, {}, "target_invalid"),
        (7, "t", 1, {}, "target_invalid"),
        ("a\nb", "t", 1, {}, "target_invalid"),
        ("a\x85b", "t", 1, {}, "target_invalid"),
        ("\ud800", "t", 1, {}, "target_invalid"),
        ("é" * 129, "t", 1, {}, "target_invalid"),
        ("*", "t", 1, {}, "target_invalid"),
        ("a", "", 1, {}, "type_invalid"),
        ("a", None, 1, {}, "type_invalid"),
        ("a", "t" * 129, 1, {}, "type_invalid"),
        ("a", "tidings.closing", 1, {}, "type_reserved"),
        ("a", "t", object(), {}, "not_json"),
        ("a", "t", float("nan"), {}, "not_json"),
        ("a", "t", b"bytes", {}, "not_json"),
        ("a", "t", "x" * 1_048_576, {}, "too_large"),
        ("a", "t", 1, {"id": "x" * 255}, "id_invalid"),
        ("a", "t", 1, {"id": 1.5}, "id_invalid"),
        ("a", "t", 1, {"id": True}, "id_invalid"),
        ("a", "t", 1, {"seq": -1}, "seq_invalid"),
        ("a", "t", 1, {"seq": 2**53}, "seq_invalid"),
        ("a", "t", 1, {"producer": 7}, "producer_invalid"),
        ("a", "t", 1, {"fields": {"target_user_id": "b"}}, "field_taken"),
        ("a", "t", 1, {"fields": {"payload": 2}}, "field_taken"),
        ("a", "t", 1, {"fields": {"offset": "e.1"}}, "field_taken"),
    ],
)
def test_a_malformed_update_is_refused_without_redis(
    user: Any, type: Any, payload: Any, more: dict[str, Any], fault: str
) -> None:
    with Tidings(NOWHERE) as tidings, pytest.raises(MalformedUpdate) as caught:
        tidings.publish(user, type, payload, **more)
    assert caught.value.fault == fault
    assert caught.value.sentence in str(caught.value)


def test_one_malformed_update_of_many_is_named_and_none_is_sent() -> None:
    with Tidings(NOWHERE) as tidings, pytest.raises(MalformedUpdate, match=r"^update 1: .* \(type_reserved\)$") as caught:
        tidings.publish_many([Update("a", "t", 1), Update("a", "tidings.x", 1)])
    assert caught.value.index == 1


@pytest.mark.parametrize(
    "payload", [None, {"text": "Searching… 😀"}, ["\ud800", "\u2028"], 12345678901234567890, {1: "key"}, "\x00"]
)
def test_whatever_json_can_say_is_an_update_that_a_relay_takes(payload: Any) -> None:
    update = Update(" a.b:{c}", "t", payload, id=7, seq=0, producer="p", fields={"run": "r_1"})
    draft = make_draft(update, max_update_bytes=1_000, default=None)
    found = read_update(draft.text)
    assert isinstance(found, ReadUpdate)
    assert (found.target, draft.key) == (" a.b:{c}", "tidings:{ a.b:{c}}:log")
    members = json.loads(found.frame)
    assert members["payload"] == json.loads(json.dumps(payload))
    assert {name: members[name] for name in ("type", "run", "id", "seq", "producer")} == {
        "type": "t",
        "run": "r_1",
        "id": 7,
        "seq": 0,
        "producer": "p",
    }


def test_each_update_has_an_id_of_its_own() -> None:
    one, other = (make_draft(Update("a", "t", 1), max_update_bytes=1_000, default=None) for _ in range(2))
    assert one.id != other.id


def test_a_value_without_a_word_in_json_is_handed_to_default() -> None:
    draft = make_draft(Update("a", "t", {1, 2}), max_update_bytes=1_000, default=sorted)
    assert json.loads(draft.text)["payload"] == [1, 2]
