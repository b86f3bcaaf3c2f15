"""Conversations on disk."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists runs (
  user text not null, run text not null, thread text not null, question text not null, started integer not null,
  n integer not null, state text not null, steps text not null, sources text not null, answer text not null,
  code text, message text,
  unique (user, run)
) strict;
create index if not exists runs_by_time on runs (user, started);
"""

#: Most runs that a page is given.
_LATEST = 100


class Store:
    """Every update of a run is written here before it is published, and counted by the run's ``n``.

    So what a page reads here is never behind what its connection tells it, and a page knows by ``n`` which updates it
    has already. May be used from several threads.
    """

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.executescript("pragma journal_mode=wal; pragma synchronous=normal;" + _SCHEMA)

    def begin(self, user: str, run: str, thread: str, question: str, started: int) -> bool:
        """Notes a new run with ``n`` 1; false where the user has it already."""
        row = (user, run, thread, question, started)
        return (
            self._change("insert or ignore into runs values (?,?,?,?,?,1,'working','[]','[]','',null,null)", *row) > 0
        )

    def add_step(self, user: str, run: str, text: str) -> int:
        """Returns the update's ``n``, as all of these do."""
        return self._advance("steps = json_insert(steps, '$[#]', ?)", user, run, text)

    def add_source(self, user: str, run: str, source: dict[str, str]) -> int:
        return self._advance("sources = json_insert(sources, '$[#]', json(?))", user, run, json.dumps(source))

    def add_text(self, user: str, run: str, text: str) -> int:
        return self._advance("answer = answer || ?", user, run, text)

    def finish(self, user: str, run: str) -> int:
        return self._advance("state = 'done'", user, run)

    def fail(self, user: str, run: str, code: str, message: str) -> int:
        return self._advance("state = 'failed', code = ?, message = ?", user, run, code, message)

    def unfinished(self) -> list[tuple[str, str]]:
        """User and run of what is still being worked on."""
        return [(row["user"], row["run"]) for row in self._rows("select user, run from runs where state = 'working'")]

    def conversation(self, user: str) -> dict[str, Any]:
        """The user's latest runs, oldest first."""
        rows = self._rows("select * from runs where user = ? order by started desc, rowid desc limit ?", user, _LATEST)
        return {"runs": [_run_of(row) for row in reversed(rows)]}

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _advance(self, change: str, user: str, run: str, *values: str) -> int:
        statement = f"update runs set n = n + 1, {change} where user = ? and run = ? returning n"
        with self._lock:
            (n,) = self._database.execute(statement, (*values, user, run)).fetchone()
        return int(n)

    def _change(self, statement: str, *values: object) -> int:
        with self._lock:
            return self._database.execute(statement, values).rowcount

    def _rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()


def _run_of(row: sqlite3.Row) -> dict[str, Any]:
    names = ("run", "thread", "question", "started", "n", "state", "answer", "code", "message")
    run = {name: row[name] for name in names}
    return {**run, "steps": json.loads(row["steps"]), "sources": json.loads(row["sources"])}
