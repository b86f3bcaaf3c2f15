"""Brings what a Python worker does to the browsers of the people who wait for it.

>>> from tidings import Tidings
>>> tidings = Tidings("redis://127.0.0.1:6379")
>>> tidings.publish("alice", "agent_update", {"text": "Searching…"})
"""

from ._async import AsyncTidings
from ._delivery import History
from ._draft import Update
from ._inbound import Interruption, Message
from ._listen_async import AsyncInbox
from ._listen_sync import Inbox
from ._relay import Connections
from ._stream_async import AsyncTokenStream
from ._stream_sync import TokenStream
from ._sync import Tidings
from .errors import HistoryOff, MalformedUpdate, Refused, RelayError, TidingsError, Unavailable, Unconfirmed

__all__ = [
    "AsyncInbox",
    "AsyncTidings",
    "AsyncTokenStream",
    "Connections",
    "History",
    "HistoryOff",
    "Inbox",
    "Interruption",
    "MalformedUpdate",
    "Message",
    "Refused",
    "RelayError",
    "Tidings",
    "TidingsError",
    "TokenStream",
    "Unavailable",
    "Unconfirmed",
    "Update",
]
