"""Messages from browsers for threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ._delivery import Sleep
from ._inbound import Interruption, Message, Open, Ping, Read, Ready, read_inbox
from ._options import system_surroundings


class Inbox:
    """Iterates over messages. As a context it has subscribed when its block begins; else it does at the first one."""

    def __init__(
        self,
        client: Any,
        channel: str,
        on_interruption: Callable[[Interruption], None] | None,
        stopped: threading.Event,
    ) -> None:
        self._client = client
        self._channel = channel
        self._steps = read_inbox(system_surroundings(), on_interruption)
        self._stopped = stopped
        self._closed = False
        self._answer: Any = None
        self._pubsub: Any = None

    def __iter__(self) -> Inbox:
        return self

    def __next__(self) -> Message:
        while True:
            found = self._go_on()
            if found is None:
                self._leave()
                raise StopIteration
            if isinstance(found, Message):
                return found

    def __enter__(self) -> Inbox:
        self._go_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._leave()

    def close(self) -> None:
        """Ends the iteration within half a second, from any thread."""
        self._closed = True

    def _go_on(self) -> Message | Ready | None:
        """Up to the next message or the moment when the subscription stands; ``None`` where it was closed."""
        fault: Exception | None = None
        while not (self._closed or self._stopped.is_set()):
            answer, self._answer = self._answer, None
            step = self._steps.send(answer) if fault is None else self._steps.throw(fault)
            fault = None
            if isinstance(step, (Message, Ready)):
                return step
            if isinstance(step, Sleep):
                self._stopped.wait(step.seconds)
                continue
            try:
                self._do(step)
            except Exception as error:
                fault = error
        return None

    def _do(self, step: Open | Read | Ping) -> None:
        if isinstance(step, Open):
            self._leave()
            self._pubsub = self._client.pubsub()
            self._pubsub.subscribe(self._channel)
        elif isinstance(step, Ping):
            self._pubsub.ping()
        else:
            self._answer = self._pubsub.get_message(timeout=step.seconds)

    def _leave(self) -> None:
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            pubsub.close()
