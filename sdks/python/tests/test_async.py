"""`AsyncTidings` with a real Redis and a real relay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import redis.asyncio
from support import API_KEY, Relay, browser, eventually, redis_server, relay_process

from tidings import AsyncTidings, Interruption, Unavailable, Update


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 90))


async def soon(what: str, condition: Callable[[], Any]) -> None:
    """Waits beside the event loop."""
    await asyncio.to_thread(eventually, what, condition)


def test_updates_are_stored_and_delivered(any_relay: Relay) -> None:
    async def test() -> None:
        async with AsyncTidings(any_relay.redis_url) as tidings:
            first = await tidings.publish("ned", "n", 0, id="u0")
            assert await tidings.publish("ned", "n", 0, id="u0") == first
            offsets = await tidings.publish_many(Update("ned", "n", n) for n in range(1, 300))
            notice = await tidings.broadcast("notice", None)
            assert notice is not None and notice.startswith("*")
            await soon("all arrived", lambda: len(page.frames) == 301)
            assert [update.get("offset") for update in page.updates] == [first, *offsets, notice]
            assert [update["payload"] for update in page.updates[:300]] == list(range(300))

    with browser(any_relay, "ned") as page:
        in_loop(test)


def test_without_history_updates_are_told_by_plain_publish(plain_relay: Relay) -> None:
    async def test() -> None:
        async with AsyncTidings(plain_relay.redis_url) as tidings:
            assert await tidings.publish("ned", "t", 1) is None
            await soon("it arrived", lambda: len(page.frames) == 1)

    with browser(plain_relay, "ned") as page:
        in_loop(test)


def test_a_client_of_redis_can_be_handed_over_and_stays_open(relay: Relay) -> None:
    async def test() -> None:
        async with redis.asyncio.Redis.from_url(relay.redis_url, decode_responses=True) as client:
            async with AsyncTidings(client) as tidings:
                assert await tidings.publish("ned", "t", 1)
            assert await client.ping()

    in_loop(test)


def test_a_publish_outlives_a_restart_of_redis_and_never_doubles() -> None:
    async def test() -> None:
        with redis_server() as server, relay_process("serve", server.url, TIDINGS_HISTORY="true") as relay:
            with browser(relay, "ann") as page:
                async with AsyncTidings(server.url) as tidings:
                    await tidings.publish("ann", "n", 0)
                    await soon("the first arrived", lambda: len(page.frames) == 1)
                    server.stop()
                    task = asyncio.create_task(tidings.publish_many(Update("ann", "n", n) for n in (1, 2, 3)))
                    await asyncio.to_thread(server.start)
                    assert None not in await task
                    await soon("all arrived", lambda: len(page.frames) >= 4)
                    assert [update["payload"] for update in page.updates] == [0, 1, 2, 3]

    in_loop(test)


def test_closing_ends_what_waits_for_redis() -> None:
    async def test() -> None:
        tidings = AsyncTidings("redis://127.0.0.1:1", retry_for=3600)
        task = asyncio.create_task(tidings.publish("ann", "t", 1))
        await asyncio.sleep(0)
        await tidings.aclose()
        with pytest.raises(RuntimeError):
            await task

    in_loop(test)


def test_the_connections_of_a_user_are_counted(relay: Relay) -> None:
    async def test() -> None:
        async with AsyncTidings(relay.redis_url, relay_url=relay.url, api_key=API_KEY) as tidings:
            found = await tidings.connections("oda")
            assert (found.connections, found.relays) == (0, 1)

    in_loop(test)


def test_messages_of_browsers_are_heard(any_relay: Relay) -> None:
    async def test() -> None:
        async with AsyncTidings(any_relay.redis_url) as tidings, tidings.listen() as inbox:
            page.send({"type": "ask", "payload": {"question": "why?"}})
            async for message in inbox:
                assert (message.user, message.type, message.payload) == ("pia", "ask", {"question": "why?"})
                inbox.close()

    with browser(any_relay, "pia") as page:
        in_loop(test)


def test_a_listener_comes_back_and_says_what_it_may_have_missed() -> None:
    interruptions: list[Interruption] = []

    async def test() -> None:
        with redis_server() as server:
            async with AsyncTidings(server.url) as tidings, tidings.listen(
                on_interruption=interruptions.append
            ) as inbox:
                reader = asyncio.ensure_future(anext_of(inbox))
                await asyncio.to_thread(server.cli, "CLIENT", "KILL", "TYPE", "pubsub")
                await soon("the loss was seen", lambda: len(interruptions) == 1)
                server.stop()
                await asyncio.to_thread(server.start)
                await soon("the restart was seen", lambda: len(interruptions) == 2)
                text = (
                    '{"user_id":"a","connection_id":"c","type":"back","payload":1,'
                    '"received_at":"2026-11-22T20:00:00.000Z"}'
                )
                await soon("somebody listens", lambda: server.cli("PUBLISH", "inbound", text) == 1)
                assert (await reader).type == "back"

    async def anext_of(inbox: Any) -> Any:
        return await inbox.__anext__()

    in_loop(test)


def test_a_listener_ends_when_its_owner_is_closed(relay: Relay) -> None:
    async def test() -> None:
        tidings = AsyncTidings(relay.redis_url)
        heard: list[Any] = []

        async def listen() -> None:
            async for message in tidings.listen():
                heard.append(message)

        task = asyncio.create_task(listen())
        await asyncio.sleep(0)
        await tidings.aclose()
        await task
        assert heard == []

    in_loop(test)


def test_tokens_are_joined_and_none_is_lost_whichever_task_wrote_them(any_relay: Relay) -> None:
    async def test() -> None:
        async with AsyncTidings(any_relay.redis_url) as tidings:
            async with tidings.stream("quy", "answer", fields={"run": "r_1"}) as answer:

                async def work(name: int) -> None:
                    for n in range(100):
                        await answer.write(f"<{name}:{n}>")
                        await asyncio.sleep(0)
                    await answer.flush()

                await asyncio.gather(*(work(name) for name in range(5)))
            await soon("all arrived", lambda: page.text == answer.text)
            assert answer.text.count("<") == 500
            assert len(page.frames) < 100
            with pytest.raises(RuntimeError):
                await answer.write("late")

    with browser(any_relay, "quy") as page:
        in_loop(test)


def test_tokens_leave_within_the_interval_while_the_stream_stands(relay: Relay) -> None:
    async def test() -> None:
        async with AsyncTidings(relay.redis_url) as tidings, tidings.stream("rob", "answer") as answer:
            for n in range(3):
                await answer.write(f"{n} ")
                await soon("it arrived", lambda: page.text == answer.text)

    with browser(relay, "rob") as page:
        in_loop(test)


def test_a_stream_is_flushed_when_its_task_is_cancelled(relay: Relay) -> None:
    async def test() -> None:
        async with AsyncTidings(relay.redis_url) as tidings:
            written = asyncio.Event()

            async def work() -> None:
                async with tidings.stream("sam", "answer", interval=3600) as answer:
                    await answer.write("half a sen")
                    written.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(work())
            await written.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await soon("it arrived", lambda: page.text == "half a sen")

    with browser(relay, "sam") as page:
        in_loop(test)


def test_a_long_text_is_published_in_parts_that_fit(relay: Relay) -> None:
    text = "é😀" * 200_000

    async def test() -> None:
        async with AsyncTidings(relay.redis_url) as tidings:
            async with tidings.stream("tom", "answer", interval=3600) as answer:
                for start in range(0, len(text), 100_000):
                    await answer.write(text[start : start + 100_000])
            await soon("all arrived", lambda: page.text == text)

    with browser(relay, "tom") as page:
        in_loop(test)


def test_a_stream_that_cannot_be_published_says_so() -> None:
    async def test() -> None:
        async with AsyncTidings("redis://127.0.0.1:1", retry_for=0) as tidings:
            with pytest.raises(Unavailable):
                async with tidings.stream("ann", "answer") as answer:
                    await answer.write("lost")

    in_loop(test)
