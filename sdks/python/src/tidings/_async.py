"""The publisher for asyncio: FastAPI, Starlette, agents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from ._delivery import Commands, Delivery, History
from ._draft import Default, Draft, Update
from ._inbound import Interruption
from ._joiner import INTERVAL, MakePayload, text_payload
from ._listen_async import AsyncInbox, Stop
from ._options import (
    DEFAULT_REDIS_URL,
    REDIS_TIMEOUT,
    RELAY_TIMEOUT,
    Options,
    from_environment,
    update_of,
)
from ._relay import Connections, ask_connections
from ._stream_async import AsyncTokenStream
from .errors import MalformedUpdate
from .protocol import BROADCAST_TARGET, MAX_UPDATE_BYTES


class AsyncTidings:
    """Publishes updates to users and hears what their browsers send. One object serves all
    tasks of an event loop.

    :param redis_or_url: a ``redis.asyncio.Redis`` or the address of Redis; ``TIDINGS_REDIS_URL``, else
        ``redis://127.0.0.1:6379``. A client that is handed over stays its owner's: ``aclose`` does not close it.
    :param history: ``True`` stores every update in the relay's log and raises :class:`HistoryOff` where there is none;
        ``False`` tells by plain ``PUBLISH``, at most once; ``"auto"`` asks Redis what the relays do, and asks again
        after half a minute.
    :param retry_for: how many seconds to try again while Redis or the relays are away. A repeat carries the update's
        id, so that the log takes it once.
    :param channel: the relay's ``TIDINGS_CHANNEL``, for plain ``PUBLISH``.
    :param inbound_channel: the relay's ``TIDINGS_INBOUND_CHANNEL``.
    :param relay_url: ``http://host:port`` of a relay, for :meth:`connections`; ``TIDINGS_RELAY_URL``.
    :param api_key: the relay's ``TIDINGS_API_KEY``, for :meth:`connections`; read from there unless given.
    :param default: what ``json.dumps`` calls for values that JSON has no word for.
    """

    def __init__(
        self,
        redis_or_url: redis.Redis | str | None = None,
        *,
        history: History = "auto",
        retry_for: float = 30.0,
        channel: str = "updates",
        inbound_channel: str = "inbound",
        relay_url: str | None = None,
        api_key: str | None = None,
        max_update_bytes: int = MAX_UPDATE_BYTES,
        default: Default | None = None,
    ) -> None:
        self._options = Options(
            history=history,
            retry_for=retry_for,
            channel=channel,
            inbound_channel=inbound_channel,
            relay_url=from_environment("TIDINGS_RELAY_URL", relay_url),
            api_key=from_environment("TIDINGS_API_KEY", api_key),
            max_update_bytes=max_update_bytes,
            default=default,
        )
        self._owns_redis = redis_or_url is None or isinstance(redis_or_url, str)
        self._redis: Any = (
            _connect(redis_or_url) if redis_or_url is None or isinstance(redis_or_url, str) else redis_or_url
        )
        self._deliverer = self._options.deliverer()
        self._closed = Stop()

    async def publish(
        self,
        user: str,
        type: str,
        payload: Any,
        *,
        id: str | int | None = None,
        seq: int | None = None,
        producer: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Publishes one update to a user, and returns its offset; ``None`` where the relay keeps no history.

        :param id: names the update: published again with the same id within ten minutes it is stored once. One is made
            for each call unless given; give one where the whole task may run twice.
        :param seq: this producer's counter, by which clients learn of updates that never reached the log.
        :param fields: other fields of the update, passed on to clients beside the payload.
        :raises MalformedUpdate: before anything is sent.
        :raises Unavailable: where Redis or the relays were away for longer than ``retry_for``.
        """
        return await self._publish(self._options.draft(update_of(user, type, payload, id, seq, producer, fields)))

    async def broadcast(
        self,
        type: str,
        payload: Any,
        *,
        id: str | int | None = None,
        seq: int | None = None,
        producer: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Publishes one update to every user. See :meth:`publish`."""
        update = update_of(BROADCAST_TARGET, type, payload, id, seq, producer, fields)
        return await self._publish(self._options.draft(update, broadcast=True))

    async def publish_many(self, updates: Iterable[Update]) -> list[str | None]:
        """Publishes updates in their order, many in one round trip, and returns their offsets.

        All are checked before any is sent. They are not one transaction: where it raises :class:`Unavailable`, the
        first ones may have been stored.
        """
        return await self._run(self._deliverer.deliver(self._options.drafts(list(updates))))

    def stream(
        self,
        user: str,
        type: str,
        *,
        interval: float = INTERVAL,
        payload: MakePayload = text_payload,
        fields: Mapping[str, Any] | None = None,
    ) -> AsyncTokenStream:
        """A context that joins tokens for ``interval`` seconds before it publishes them, and flushes when it ends.

        :param payload: makes the payload of joined text, ``{"text": text}`` unless given.
        """

        async def publish(text: str) -> None:
            await self.publish(user, type, payload(text), fields=fields)

        self._options.draft(update_of(user, type, None, None, None, None, fields))
        return AsyncTokenStream(publish, interval)

    def listen(self, *, on_interruption: Callable[[Interruption], None] | None = None) -> AsyncInbox:
        """The messages of all users' browsers, as an async iterator that comes back after a lost connection.

        Redis hands each message to every worker that listens at that moment. After a lost connection
        ``on_interruption`` is told that messages may have been missed.
        """
        return AsyncInbox(self._redis, self._options.inbound_channel, on_interruption, self._closed)

    async def connections(self, user: str) -> Connections:
        """How many connections the user has at this moment, over all relays; false where there is none.

        :raises RelayError: where the relay does not answer, or not all relays did.
        :raises ValueError: where there is no ``relay_url`` or ``api_key``.
        """
        return await asyncio.to_thread(
            ask_connections, self._options.relay_url, self._options.api_key, user, RELAY_TIMEOUT
        )

    async def aclose(self) -> None:
        """Ends listening and waiting in all tasks, and closes the connection if it is this object's own."""
        self._closed.set()
        if self._owns_redis:
            await self._redis.aclose()

    async def __aenter__(self) -> AsyncTidings:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _publish(self, draft: Draft) -> str | None:
        try:
            (offset,) = await self._run(self._deliverer.deliver([draft]))
        except MalformedUpdate as fault:
            raise MalformedUpdate(fault.fault, fault.sentence) from None
        return offset

    async def _run(self, delivery: Delivery) -> list[str | None]:
        replies: list[object] | None = None
        fault: Exception | None = None
        while True:
            try:
                step = delivery.throw(fault) if fault is not None else delivery.send(replies)  # type: ignore[arg-type]
            except StopIteration as end:
                return list(end.value)
            if self._closed.is_set():
                raise RuntimeError("this AsyncTidings was closed")
            replies, fault = [], None
            if isinstance(step, Commands):
                try:
                    replies = await self._send(step)
                except Exception as error:
                    fault = error
            else:
                await self._closed.wait(step.seconds)

    async def _send(self, commands: Commands) -> list[object]:
        if len(commands.lines) == 1:
            try:
                return [await self._redis.execute_command(*commands.lines[0])]
            except ResponseError as error:
                return [error]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for line in commands.lines:
                pipeline.execute_command(*line)
            return list(await pipeline.execute(raise_on_error=False))


def _connect(url: str | None) -> redis.Redis:
    return redis.Redis.from_url(
        from_environment("TIDINGS_REDIS_URL", url) or DEFAULT_REDIS_URL,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        socket_keepalive=True,
        # Repeats are decided here, where it is known what may be sent twice.
        retry=Retry(NoBackoff(), 0),
    )
