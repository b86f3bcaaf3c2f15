"""A stream of tokens for asyncio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType

from ._joiner import Joiner

logger = logging.getLogger("tidings")


class AsyncTokenStream:
    """Joins what is written and publishes it in order. Any number of tasks may write."""

    def __init__(self, publish: Callable[[str], Awaitable[None]], interval: float) -> None:
        self._publish = publish
        self._interval = interval
        self._joiner = Joiner()
        self._changed = asyncio.Condition()
        self._urgent = asyncio.Event()
        # Counted in characters: how much is out, and how much somebody wants out at once.
        self._published = 0
        self._wanted = 0
        self._ended = False
        self._error: BaseException | None = None
        self._running = False
        self._task: asyncio.Task[None] | None = None

    @property
    def text(self) -> str:
        """All that was written so far."""
        return self._joiner.text

    async def write(self, text: str) -> None:
        """Adds text. Waits only where much of it waits for Redis.

        :raises Exception: what publishing raised; nothing more is published then.
        """
        if self._joiner.is_full:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._joiner.is_full or self._error is not None)
        self._raise_error()
        if self._ended:
            raise RuntimeError("this stream has ended")
        if not text:
            return
        self._joiner.add(text)
        self._hurry()
        if not self._running:
            self._running = True
            self._task = asyncio.create_task(self._run(), name="tidings-stream")

    async def flush(self) -> None:
        """Publishes what was written so far, and returns when it is out."""
        wanted = self._wanted = self._joiner.written
        self._hurry()
        async with self._changed:
            await self._changed.wait_for(lambda: self._published >= wanted or self._error is not None)
        self._raise_error()

    async def __aenter__(self) -> AsyncTokenStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        try:
            await self.flush()
        except Exception as flush_error:
            if error is None:
                raise
            logger.error("the end of a stream was not published: %s", flush_error)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _hurry(self) -> None:
        if self._joiner.is_large or self._wanted > self._joiner.taken:
            self._urgent.set()

    async def _run(self) -> None:
        """Publishes until nothing waits; the next write begins it again."""
        try:
            while not self._joiner.is_empty:
                await self._pause()
                part = self._joiner.take()
                self._urgent.clear()
                self._hurry()
                await self._publish(part)
                self._published += len(part)
                await self._tell()
        except BaseException as error:
            self._error = error
            await self._tell()
            if not isinstance(error, Exception):
                raise
        finally:
            self._running = False

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _pause(self) -> None:
        """The interval, or less where somebody wants it out at once."""
        try:
            await asyncio.wait_for(self._urgent.wait(), self._interval)
        except asyncio.TimeoutError:
            pass
