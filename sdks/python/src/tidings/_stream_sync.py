"""A stream of tokens for threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from ._joiner import Joiner

logger = logging.getLogger("tidings")


class TokenStream:
    """Joins what is written and publishes it in order. Any number of threads may write."""

    def __init__(self, publish: Callable[[str], None], interval: float) -> None:
        self._publish = publish
        self._interval = interval
        self._joiner = Joiner()
        self._changed = threading.Condition()
        # Counted in characters: how much is out, and how much somebody wants out at once.
        self._published = 0
        self._wanted = 0
        self._ended = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    @property
    def text(self) -> str:
        """All that was written so far."""
        with self._changed:
            return self._joiner.text

    def write(self, text: str) -> None:
        """Adds text. Waits only where much of it waits for Redis.

        :raises Exception: what publishing raised; nothing more is published then.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._joiner.is_full or self._error is not None or self._ended)
            self._raise_error()
            if self._ended:
                raise RuntimeError("this stream has ended")
            if text:
                self._joiner.add(text)
                self._start()
                self._changed.notify_all()

    def flush(self) -> None:
        """Publishes what was written so far, and returns when it is out."""
        with self._changed:
            wanted = self._wanted = self._joiner.written
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._published >= wanted or self._error is not None)
            self._raise_error()

    def __enter__(self) -> TokenStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
        except Exception as flush_error:
            if error is None:
                raise
            logger.error("the end of a stream was not published: %s", flush_error)
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _is_urgent(self) -> bool:
        return self._ended or self._joiner.is_large or self._wanted > self._joiner.taken

    def _start(self) -> None:
        if self._thread is None:
            # A daemon: a program that ends without leaving its context does not hang.
            self._thread = threading.Thread(target=self._run, name="tidings-stream", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or not self._joiner.is_empty)
                if self._joiner.is_empty:
                    return
                self._changed.wait_for(self._is_urgent, self._interval)
                part = self._joiner.take()
            try:
                self._publish(part)
            except BaseException as error:
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return
            with self._changed:
                self._published += len(part)
                self._changed.notify_all()
