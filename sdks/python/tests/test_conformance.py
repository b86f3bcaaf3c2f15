"""The vectors of `conformance/` in the project's root."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from support import ROOT

from tidings import protocol
from tidings._inbound import parse_message


def vectors(name: str) -> Any:
    return json.loads((ROOT / "conformance" / f"{name}.json").read_text(encoding="utf-8"))


def cases(name: str, group: str) -> pytest.MarkDecorator:
    found = vectors(name)[group]
    return pytest.mark.parametrize("case", found, ids=[str(n) for n in range(len(found))])


def read(case: dict[str, Any]) -> protocol.ReadUpdate | str:
    raw = base64.b64decode(case["update_base64"]) if "update_base64" in case else case["update"].encode()
    return protocol.read_update(raw, case.get("max_update_bytes", protocol.MAX_UPDATE_BYTES))


@cases("updates", "valid")
def test_a_valid_update_is_cut_and_framed(case: dict[str, Any]) -> None:
    update = read(case)
    assert isinstance(update, protocol.ReadUpdate), update
    assert (update.target, update.frame) == (case["target"], case["frame"])
    assert update.frame_at(case["offset"]) == case["frame_at_offset"]


@cases("updates", "malformed")
def test_a_malformed_update_is_refused_by_its_fault(case: dict[str, Any]) -> None:
    assert read(case) == case["fault"]
    assert case["fault"] in protocol.FAULTS


@cases("offsets", "valid")
def test_since_is_read(case: dict[str, Any]) -> None:
    def place(said: Any) -> Any:
        return protocol.Offset(said["epoch"], said["n"]) if isinstance(said, dict) else said

    assert protocol.parse_since(case["since"]) == protocol.Since(place(case["user"]), place(case["broadcast"]))


@cases("offsets", "malformed")
def test_a_malformed_since_is_refused(case: str) -> None:
    assert protocol.parse_since(case) is None


@cases("offsets", "format")
def test_an_offset_is_formatted(case: dict[str, Any]) -> None:
    assert protocol.format_offset(case["target"], case["epoch"], case["n"]) == case["offset"]


def test_every_close_code_says_whether_to_come_back() -> None:
    found = vectors("close-codes")
    assert {row["code"]: (row["name"], row["come_back"]) for row in found["codes"]} == protocol.CLOSE_CODES
    for row in found["codes"] + found["others"]:
        assert protocol.come_back(row["code"]) == row["come_back"]
    for row in found["advice"]:
        assert protocol.retry_after_ms(row["reason"]) == row["retry_after_ms"]


def test_waiting_times_keep_their_bounds() -> None:
    found = vectors("backoff")

    def wait(row: dict[str, Any], chance: float) -> float:
        return protocol.full_jitter(
            row["failures"], first=row["first_ms"], longest=row["longest_ms"], random=lambda: chance
        )

    for row in found["bounds"]:
        assert wait(row, 0.0) == 0
        assert row["max_ms"] * 0.999 < wait(row, 1 - 2**-53) < row["max_ms"]
    for row in found["waits"]:
        assert wait(row, row["chance"]) == row["wait_ms"]


@cases("inbound", "valid")
def test_a_message_of_a_browser_is_read(case: dict[str, Any]) -> None:
    message = parse_message(case["message"])
    assert message is not None
    found = (message.user, message.connection_id, message.type, message.payload)
    assert found == (case["user_id"], case["connection_id"], case["type"], case["payload"])
    assert round(message.received_at.timestamp() * 1000) == case["received_at_ms"]


@cases("inbound", "malformed")
def test_what_no_relay_wrote_is_passed_over(case: str) -> None:
    assert parse_message(case) is None
