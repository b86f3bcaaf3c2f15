from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import RedisServer, Relay, redis_server, relay_process


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A Redis shared by tests that do it no harm."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def relay(redis: RedisServer) -> Iterator[Relay]:
    """A relay that keeps history, on the shared Redis."""
    with relay_process("serve", redis.url, TIDINGS_HISTORY="true") as running:
        yield running


@pytest.fixture(scope="session")
def plain_relay() -> Iterator[Relay]:
    """A relay that keeps no history, on a Redis of its own."""
    with redis_server() as server, relay_process("serve", server.url, TIDINGS_HISTORY="false") as running:
        yield running


@pytest.fixture(scope="session")
def dev_relay() -> Iterator[Relay]:
    """`tidings dev`: the embedded broker, with history."""
    with relay_process("dev", TIDINGS_HISTORY="true") as running:
        yield running


@pytest.fixture(params=["relay", "dev_relay"])
def any_relay(request: pytest.FixtureRequest) -> Relay:
    """Each of the relays that keep history."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Relay)
    return found
