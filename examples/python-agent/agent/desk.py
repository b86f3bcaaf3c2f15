"""Takes questions, works on a bounded number of them at once, and stops them when their own user asks for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidings import AsyncTidings, TidingsError

from .excerpt import excerpt, plain_line
from .messages import Ask, Cancel
from .search import search
from .sections import read_sections
from .store import Store
from .writers import Finding, Writer, WriterFailed

logger = logging.getLogger("agent")

_SECTIONS_TO_READ = 3
# A hit much weaker than the best is noise.
_LEAST_SHARE_OF_BEST = 0.35
_EXCERPT_LENGTH = 900
_QUOTE_LENGTH = 240
# Seconds that a step stays on the screen at least, so that people can follow it.
_STEP_PAUSE = 0.35
_RUNS_PER_USER = 3
_RUNS_IN_ALL = 32
_RESTARTED = "The agent was restarted. Ask again."


class Desk:
    """One for a worker. All its methods belong to the event loop's thread."""

    def __init__(self, tidings: AsyncTidings, store: Store, write: Writer, documents: Path) -> None:
        self._tidings = tidings
        self._store = store
        self._write = write
        self._documents = documents
        # What may be cancelled, and what tells how it ended, which may not.
        self._work: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._runs: set[asyncio.Task[None]] = set()
        self._closing = False

    def take(self, message: Ask | Cancel) -> None:
        """Begins or stops a run, and returns at once."""
        key = (message.user, message.run)
        if isinstance(message, Cancel):
            if key in self._work:
                self._work[key].cancel()
            return
        if self._closing or not self._store.begin(*key, message.thread, message.question, _now()):
            return
        own = sum(user == message.user for user, _ in self._work)
        is_busy = own >= _RUNS_PER_USER or len(self._work) >= _RUNS_IN_ALL
        if not is_busy:
            self._work[key] = asyncio.create_task(self._answer(message))
        run = asyncio.create_task(self._refuse(message) if is_busy else self._see_through(message, self._work[key]))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)

    async def give_up_unfinished(self) -> None:
        """Tells the users of runs that an earlier process of this worker left behind."""
        for user, run in self._store.unfinished():
            await self._fail(user, run, "interrupted", _RESTARTED)

    async def close(self) -> None:
        """Takes no more questions, stops what is open, and returns when its users are told."""
        self._closing = True
        for work in self._work.values():
            work.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    async def _see_through(self, ask: Ask, work: asyncio.Task[None]) -> None:
        user, run = ask.user, ask.run
        await asyncio.wait([work])
        del self._work[(user, run)]
        if work.cancelled():
            code, message = ("interrupted", _RESTARTED) if self._closing else ("cancelled", "Stopped.")
            await self._fail(user, run, code, message)
            return
        error = work.exception()
        if error is None:
            await self._tell(user, "agent_finished", {"run": run, "n": self._store.finish(user, run)})
        elif isinstance(error, WriterFailed):
            await self._fail(user, run, "failed", str(error))
        else:
            logger.error("a run failed", exc_info=error)
            await self._fail(user, run, "failed", "Something went wrong. Ask again.")

    async def _refuse(self, ask: Ask) -> None:
        await self._tell_started(ask)
        await self._fail(ask.user, ask.run, "busy", "Too many questions are open. Wait for an answer, or stop one.")

    async def _answer(self, ask: Ask) -> None:
        user, run = ask.user, ask.run

        async def step(text: str) -> None:
            n = self._store.add_step(user, run, text)
            await self._tell(user, "agent_step", {"run": run, "n": n, "text": text})
            await asyncio.sleep(_STEP_PAUSE)

        await self._tell_started(ask)
        sections = read_sections(self._documents)
        await step(f"Searching {len(sections)} sections")

        hits = search(sections, ask.question, _SECTIONS_TO_READ)
        findings: list[Finding] = []
        for hit in hits:
            if hit.score < hits[0].score * _LEAST_SHARE_OF_BEST:
                continue
            section = hit.section
            await step(f"Reading {section.file} › {section.heading}")
            finding = Finding(section, excerpt(section, ask.question, _EXCERPT_LENGTH))
            findings.append(finding)
            quote = plain_line(finding.excerpt, _QUOTE_LENGTH)
            source = {"file": section.file, "heading": section.heading, "quote": quote}
            n = self._store.add_source(user, run, source)
            await self._tell(user, "agent_source", {"run": run, "n": n, **source})
        if not findings:
            await step("Found nothing that matches")
        await step("Writing the answer")

        def payload(text: str) -> dict[str, object]:
            return {"run": run, "n": self._store.add_text(user, run, text), "text": text}

        async with self._tidings.stream(user, "agent_token", payload=payload) as answer:
            async for piece in self._write(ask.question, findings):
                await answer.write(piece)

    async def _tell_started(self, ask: Ask) -> None:
        started: dict[str, Any] = {"run": ask.run, "n": 1, "thread": ask.thread, "question": ask.question}
        await self._tell(ask.user, "agent_started", {**started, "started": _now()})

    async def _fail(self, user: str, run: str, code: str, message: str) -> None:
        n = self._store.fail(user, run, code, message)
        try:
            await self._tell(user, "agent_failed", {"run": run, "n": n, "code": code, "message": message})
        except TidingsError:
            # It stands in the store, where the user's next page finds it.
            logger.exception("a user could not be told about the end of a run")

    async def _tell(self, user: str, type: str, payload: Mapping[str, Any]) -> None:
        await self._tidings.publish(user, type, payload)


def _now() -> int:
    return time.time_ns() // 1_000_000
