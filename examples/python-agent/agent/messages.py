"""What users ask of the agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LONGEST_QUESTION = 1_000
_LONGEST_ID = 64


@dataclass(frozen=True)
class Ask:
    """A question, in one of the user's conversations. The browser names the run, so that asking twice is asking once."""

    user: str
    run: str
    thread: str
    question: str


@dataclass(frozen=True)
class Cancel:
    """A user's wish that a run should stop."""

    user: str
    run: str


def read_message(user: str, type: str, payload: Any) -> Ask | Cancel | None:
    """Reads what a browser sent; ``None`` where it is nothing for this agent, or nothing that its page would send."""
    # An answer to "*" would go to everybody.
    if user in ("", "*") or not isinstance(payload, dict):
        return None
    run = _id_of(payload.get("run"))
    if run is None:
        return None
    if type == "cancel":
        return Cancel(user, run)
    thread, question = _id_of(payload.get("thread")), payload.get("question")
    if type != "ask" or thread is None or not isinstance(question, str):
        return None
    question = question.strip()
    return Ask(user, run, thread, question) if 0 < len(question) <= LONGEST_QUESTION else None


def _id_of(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable() else None
