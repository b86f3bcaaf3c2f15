"""``python -m agent``: listens to what browsers send, works, and publishes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from tidings import AsyncTidings

from .api import Api
from .desk import Desk
from .messages import read_message
from .store import Store
from .writers import Writer, chat_writer, quoting_writer

logger = logging.getLogger("agent")
_HERE = Path(__file__).resolve().parent.parent
#: A worker rather waits for Redis than gives up an answer.
_PATIENCE = 120.0


async def main() -> None:
    data = Path(os.environ.get("AGENT_DATA") or _HERE / "data")
    data.mkdir(parents=True, exist_ok=True)
    store = Store(data / "conversations.db")
    tidings = AsyncTidings(os.environ.get("REDIS_URL") or None, retry_for=_PATIENCE)
    documents = Path(os.environ.get("AGENT_DOCUMENTS") or _HERE.parent.parent)
    desk = Desk(tidings, store, _writer(), documents)
    port = int(os.environ.get("AGENT_PORT") or 8090)
    api = Api("127.0.0.1", port, os.environ["AGENT_KEY"], store, desk.take)

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for stop in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(stop, stopping.set)

    async def listen() -> None:
        async with tidings.listen() as inbox:
            logger.info("ready on http://127.0.0.1:%d", api.port)
            async for message in inbox:
                wish = read_message(message.user, message.type, message.payload)
                if wish is not None:
                    desk.take(wish)

    await desk.give_up_unfinished()
    listening = asyncio.create_task(listen())
    await asyncio.wait([listening, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
    if listening.done():
        listening.result()
    api.close()
    try:
        await asyncio.wait_for(desk.close(), 2)
    except TimeoutError:
        pass
    listening.cancel()
    await tidings.aclose()
    store.close()


def _writer() -> Writer:
    base_url = os.environ.get("OPENAI_BASE_URL")
    if not base_url:
        return quoting_writer(float(os.environ.get("AGENT_WORDS_PER_SECOND") or 40))
    model = os.environ.get("OPENAI_MODEL")
    if not model:
        raise ValueError("OPENAI_BASE_URL is set: set OPENAI_MODEL too, the model to ask for")
    return chat_writer(base_url, model, os.environ.get("OPENAI_API_KEY"))


if __name__ == "__main__":
    logging.basicConfig(format="agent: %(message)s", level=logging.INFO, stream=sys.stderr)
    if not os.environ.get("AGENT_KEY"):
        sys.exit("agent: set AGENT_KEY, the secret that it shares with the web application's server")
    try:
        asyncio.run(main())
    except ValueError as error:
        sys.exit(f"agent: {error}")
