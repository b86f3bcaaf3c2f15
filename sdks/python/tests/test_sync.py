"""`Tidings` with a real Redis and a real relay."""

from __future__ import annotations

import json
import re
import threading

import pytest
from redis import Redis
from support import API_KEY, ROOT, RedisServer, Relay, browser, eventually, redis_server, relay_process

from tidings import HistoryOff, Interruption, MalformedUpdate, Refused, RelayError, Tidings, Unavailable, Update
from tidings.protocol import parse_since


def test_an_update_is_stored_delivered_and_has_an_offset(any_relay: Relay) -> None:
    with browser(any_relay, "ann") as page, Tidings(any_relay.redis_url) as tidings:
        first = tidings.publish("ann", "agent_update", {"text": "Searching… 😀"}, fields={"run": "r_1"}, id="u1")
        assert first is not None and parse_since(first) is not None
        assert tidings.publish("ann", "agent_update", {"text": "again"}, id="u1") == first
        second = tidings.publish("ann", "done", None)
        eventually("both arrived", lambda: len(page.frames) == 2)
        assert page.frames[0] == (
            '{"type":"agent_update","payload":{"text":"Searching… 😀"},"run":"r_1","id":"u1","offset":"' + first + '"}'
        )
        assert page.updates[1]["offset"] == second


def test_many_updates_arrive_once_and_in_order(any_relay: Relay) -> None:
    with browser(any_relay, "ben") as page, Tidings(any_relay.redis_url) as tidings:
        offsets = tidings.publish_many(Update("ben", "n", n) for n in range(600))
        eventually("all arrived", lambda: len(page.frames) == 600)
        assert [update["payload"] for update in page.updates] == list(range(600))
        assert [update["offset"] for update in page.updates] == offsets
        assert tidings.publish_many([]) == []


def test_a_broadcast_reaches_everyone_and_its_offset_says_so(any_relay: Relay) -> None:
    with browser(any_relay, "cat") as one, browser(any_relay, "dan") as other, Tidings(any_relay.redis_url) as tidings:
        offset = tidings.broadcast("notice", "We are back.")
        assert offset is not None and offset.startswith("*")
        eventually("it arrived", lambda: len(one.frames) == len(other.frames) == 1)
        assert one.updates[0]["offset"] == other.updates[0]["offset"] == offset


def test_without_history_updates_are_told_by_plain_publish(plain_relay: Relay) -> None:
    with browser(plain_relay, "ann") as page:
        for history in ("auto", False):
            with Tidings(plain_relay.redis_url, history=history) as tidings:
                assert tidings.publish("ann", "t", 1) is None
                assert tidings.publish_many([Update("ann", "t", 2), Update("ann", "t", 3)]) == [None, None]
        eventually("all arrived", lambda: len(page.frames) == 6)
    with Tidings(plain_relay.redis_url, history=True, retry_for=0.2) as tidings, pytest.raises(HistoryOff):
        tidings.publish("ann", "t", 1)


def test_an_embedded_broker_without_history_is_found_out() -> None:
    with relay_process("dev", TIDINGS_HISTORY="false") as relay, browser(relay, "ann") as page:
        with Tidings(relay.redis_url) as tidings:
            assert tidings.publish("ann", "t", 1) is None
        eventually("it arrived", lambda: len(page.frames) == 1)


def test_a_client_of_redis_can_be_handed_over_and_stays_open(relay: Relay) -> None:
    for decode in (False, True):
        with Redis.from_url(relay.redis_url, decode_responses=decode) as client:
            with Tidings(client) as tidings:
                assert tidings.publish("eve", "t", 1)
            assert client.ping()


def test_the_rights_in_the_readme_are_enough_and_a_lack_of_rights_is_said() -> None:
    rights = re.findall(r"`([^`]*[+~&][^`]*)`", (ROOT / "sdks/python/README.md").read_text(encoding="utf-8"))
    words = " ".join(rights).split()
    assert {"+fcall", "~tidings:*", "&inbound"} <= set(words)
    with redis_server() as redis, relay_process("serve", redis.url, TIDINGS_HISTORY="true") as relay:
        redis.cli("ACL", "SETUSER", "worker", "reset", "on", ">secret", *words)
        with Tidings(f"redis://worker:secret@127.0.0.1:{redis.port}") as tidings, browser(relay, "ann") as page:
            assert tidings.publish("ann", "t", 1)
            with tidings.listen() as inbox:
                page.send({"type": "ask"})
                assert next(inbox).type == "ask"
        with Tidings(f"redis://worker:secret@127.0.0.1:{redis.port}", history=False) as tidings:
            assert tidings.publish("ann", "t", 1) is None
        with Tidings(f"redis://worker:wrong@127.0.0.1:{redis.port}") as tidings:
            with pytest.raises(Refused):
                tidings.publish("ann", "t", 1)
            with pytest.raises(Refused):
                next(tidings.listen())
        redis.cli("ACL", "SETUSER", "worker", "-fcall", "-subscribe")
        with Tidings(f"redis://worker:secret@127.0.0.1:{redis.port}") as tidings:
            with pytest.raises(Refused):
                tidings.publish("ann", "t", 1)
            with pytest.raises(Refused):
                next(tidings.listen())


def test_what_only_the_relay_knows_to_be_too_large_is_named() -> None:
    with redis_server() as redis:
        settings = {"TIDINGS_HISTORY": "true", "TIDINGS_MAX_UPDATE_BYTES": "1024"}
        with relay_process("serve", redis.url, **settings), Tidings(redis.url) as tidings:
            with pytest.raises(MalformedUpdate) as caught:
                tidings.publish("ann", "t", "x" * 2_000)
    assert (caught.value.fault, caught.value.index) == ("too_large", None)


def test_a_publish_outlives_a_restart_of_redis_and_never_doubles() -> None:
    with redis_server() as redis, relay_process("serve", redis.url, TIDINGS_HISTORY="true") as relay:
        with browser(relay, "ann") as page, Tidings(redis.url) as tidings:
            tidings.publish("ann", "n", 0)
            eventually("the first arrived", lambda: len(page.frames) == 1)
            redis.stop()
            offsets: list[str | None] = []
            worker = threading.Thread(target=lambda: offsets.extend(tidings.publish("ann", "n", n) for n in (1, 2, 3)))
            worker.start()
            redis.start()
            worker.join(60)
            assert len(offsets) == 3 and None not in offsets
            eventually("all arrived", lambda: len(page.frames) >= 4)
            assert [update["payload"] for update in page.updates] == [0, 1, 2, 3]


def test_a_redis_that_is_away_is_said_after_the_time_for_repeats() -> None:
    with Tidings("redis://127.0.0.1:1", retry_for=0.1) as tidings, pytest.raises(Unavailable) as caught:
        tidings.publish("ann", "t", 1, id="u1")
    assert caught.value.update_ids == ("u1",)


def test_closing_ends_what_waits_for_redis() -> None:
    tidings = Tidings("redis://127.0.0.1:1", retry_for=3600)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            tidings.publish("ann", "t", 1)
        except RuntimeError as error:
            errors.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    tidings.close()
    worker.join(30)
    assert len(errors) == 1


def test_the_connections_of_a_user_are_counted(relay: Relay) -> None:
    with Tidings(relay.redis_url, relay_url=relay.url, api_key=API_KEY) as tidings:
        assert not tidings.connections("fay/ü")
        with browser(relay, "fay%2F%C3%BC"), browser(relay, "fay%2F%C3%BC"):
            found = eventually("both count", lambda: tidings.connections("fay/ü"))
            assert found.relays == 1
            eventually("both count", lambda: tidings.connections("fay/ü").connections == 2)


def test_why_connections_cannot_be_counted_is_said(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    with Tidings(relay.redis_url, relay_url=relay.url, api_key="wrong") as tidings:
        with pytest.raises(RelayError) as caught:
            tidings.connections("fay")
        assert (caught.value.status, caught.value.code) == (401, "api_key_refused")
    with Tidings(relay.redis_url, relay_url="http://127.0.0.1:1", api_key="k") as tidings:
        with pytest.raises(RelayError) as unreachable:
            tidings.connections("fay")
        assert unreachable.value.status is None
    monkeypatch.delenv("TIDINGS_API_KEY", raising=False)
    with Tidings(relay.redis_url) as tidings, pytest.raises(ValueError, match="TIDINGS_RELAY_URL"):
        tidings.connections("fay")


def test_messages_of_browsers_are_heard(any_relay: Relay) -> None:
    with Tidings(any_relay.redis_url) as tidings, tidings.listen() as inbox, browser(any_relay, "gil") as page:
        page.send({"type": "ask", "payload": {"question": "why?"}})
        page.send({"type": "stop"})
        first, second = next(inbox), next(inbox)
        assert (first.user, first.type, first.payload) == ("gil", "ask", {"question": "why?"})
        assert (second.type, second.payload, second.connection_id) == ("stop", None, first.connection_id)
        assert first.received_at.tzinfo is not None
        inbox.close()
        assert list(inbox) == []


@pytest.mark.parametrize("own_client", [False, True])
def test_a_listener_comes_back_and_says_what_it_may_have_missed(own_client: bool) -> None:
    interruptions: list[Interruption] = []
    got: list[str] = []
    with redis_server() as redis:
        # A client of one's own repeats by itself, so that the loss shows only in a second confirmation.
        with Tidings(Redis.from_url(redis.url) if own_client else redis.url) as tidings:

            def listen() -> None:
                for message in tidings.listen(on_interruption=interruptions.append):
                    got.append(message.type)

            worker = threading.Thread(target=listen)
            worker.start()

            def tell(kind: str) -> None:
                one = {"user_id": "a", "connection_id": "c", "type": kind, "payload": 1}
                text = json.dumps({**one, "received_at": "2026-11-22T20:00:00.000Z"})
                eventually("somebody listens", lambda: redis.cli("PUBLISH", "inbound", text) == 1)

            tell("one")
            redis.cli("PUBLISH", "inbound", "no relay wrote this")
            eventually("the first was heard", lambda: got == ["one"])
            assert interruptions == []
            redis.cli("CLIENT", "KILL", "TYPE", "pubsub")
            eventually("the loss was seen", lambda: len(interruptions) == 1)
            redis.stop()
            redis.start()
            eventually("the restart was seen", lambda: len(interruptions) == 2)
            tell("two")
            eventually("the second was heard", lambda: got == ["one", "two"])
            assert interruptions[0].cause and interruptions[0].seconds >= 0
        worker.join(30)
        assert not worker.is_alive()


def test_tokens_are_joined_and_none_is_lost(any_relay: Relay) -> None:
    tokens = [f"token {n} " for n in range(500)]
    with browser(any_relay, "hal") as page, Tidings(any_relay.redis_url) as tidings:
        with tidings.stream("hal", "answer", fields={"run": "r_1"}) as answer:
            for token in tokens:
                answer.write(token)
        assert answer.text == "".join(tokens)
        eventually("all arrived", lambda: page.text == answer.text)
        assert len(page.frames) < len(tokens) / 5
        assert {update["run"] for update in page.updates} == {"r_1"}
        with pytest.raises(RuntimeError):
            answer.write("late")


def test_tokens_leave_within_the_interval_while_the_stream_stands(relay: Relay) -> None:
    with browser(relay, "ida") as page, Tidings(relay.redis_url) as tidings:
        with tidings.stream("ida", "answer", payload=lambda text: {"text": text, "done": False}) as answer:
            answer.write("one ")
            eventually("the first arrived", lambda: page.text == "one ")
            answer.write("two")
            eventually("the second arrived", lambda: page.text == "one two")
        assert page.updates[0]["payload"]["done"] is False


def test_a_stream_is_flushed_when_its_block_fails(relay: Relay) -> None:
    with browser(relay, "jon") as page, Tidings(relay.redis_url) as tidings:
        with pytest.raises(ZeroDivisionError), tidings.stream("jon", "answer", interval=3600) as answer:
            answer.write("half a sen")
            raise ZeroDivisionError
        eventually("it arrived", lambda: page.text == "half a sen")


def test_any_number_of_threads_may_write_and_flush_one_stream(relay: Relay) -> None:
    with browser(relay, "kim") as page, Tidings(relay.redis_url) as tidings:
        with tidings.stream("kim", "answer") as answer:

            def work(name: int) -> None:
                for n in range(100):
                    answer.write(f"<{name}:{n}>")
                answer.flush()

            workers = [threading.Thread(target=work, args=(name,)) for name in range(5)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(30)
        eventually("all arrived", lambda: page.text == answer.text)
        for name in range(5):
            places = [answer.text.index(f"<{name}:{n}>") for n in range(100)]
            assert places == sorted(places)


def test_a_long_text_is_published_in_parts_that_fit(relay: Relay) -> None:
    text = "é😀" * 40_000
    with browser(relay, "lea") as page, Tidings(relay.redis_url) as tidings:
        with tidings.stream("lea", "answer", interval=3600) as answer:
            answer.write(text)
        eventually("all arrived", lambda: page.text == text)


def test_a_stream_that_cannot_be_published_says_so() -> None:
    with Tidings("redis://127.0.0.1:1", retry_for=0) as tidings:
        with pytest.raises(Unavailable), tidings.stream("ann", "answer") as answer:
            answer.write("lost")
        with pytest.raises(ZeroDivisionError), tidings.stream("ann", "answer") as answer:
            answer.write("lost")
            raise ZeroDivisionError
        with pytest.raises(MalformedUpdate):
            tidings.stream("", "answer")


def test_options_that_mean_nothing_are_refused_at_once(redis: RedisServer) -> None:
    with pytest.raises(ValueError, match="history"):
        Tidings(redis.url, history="yes")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="retry_for"):
        Tidings(redis.url, retry_for=-1)
