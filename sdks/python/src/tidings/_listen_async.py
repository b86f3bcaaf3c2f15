"""Messages from browsers for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ._delivery import Sleep
from ._inbound import Interruption, Message, Open, Ping, Read, Ready, read_inbox
from ._options import system_surroundings


class Stop:
    """A stop signal that belongs to no event loop before it is waited for."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: set[asyncio.Future[None]] = set()

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Until it is set, at most this long."""
        if self._is_set:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait([future], timeout=seconds)
        finally:
            self._waiting.discard(future)


class AsyncInbox:
    """Iterates over messages. As a context it has subscribed when its block begins; else it does at the first one."""

    def __init__(
        self,
        client: Any,
        channel: str,
        on_interruption: Callable[[Interruption], None] | None,
        stopped: Stop,
    ) -> None:
        self._client = client
        self._channel = channel
        self._steps = read_inbox(system_surroundings(), on_interruption)
        self._stopped = stopped
        self._closed = False
        self._answer: Any = None
        self._pubsub: Any = None

    def __aiter__(self) -> AsyncInbox:
        return self

    async def __anext__(self) -> Message:
        while True:
            found = await self._go_on()
            if found is None:
                await self._leave()
                raise StopAsyncIteration
            if isinstance(found, Message):
                return found

    async def __aenter__(self) -> AsyncInbox:
        await self._go_on()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        await self._leave()

    def close(self) -> None:
        """Ends the iteration within half a second."""
        self._closed = True

    async def _go_on(self) -> Message | Ready | None:
        """Up to the next message or the moment when the subscription stands; ``None`` where it was closed."""
        fault: Exception | None = None
        while not (self._closed or self._stopped.is_set()):
            answer, self._answer = self._answer, None
            step = self._steps.send(answer) if fault is None else self._steps.throw(fault)
            fault = None
            if isinstance(step, (Message, Ready)):
                return step
            if isinstance(step, Sleep):
                await self._stopped.wait(step.seconds)
                continue
            try:
                await self._do(step)
            except Exception as error:
                fault = error
        return None

    async def _do(self, step: Open | Read | Ping) -> None:
        if isinstance(step, Open):
            await self._leave()
            self._pubsub = self._client.pubsub()
            await self._pubsub.subscribe(self._channel)
        elif isinstance(step, Ping):
            await self._pubsub.ping()
        else:
            self._answer = await self._pubsub.get_message(timeout=step.seconds)

    async def _leave(self) -> None:
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            await pubsub.aclose()
