"""The relay's HTTP interface, with the standard library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import quote

from .errors import RelayError


@dataclass(frozen=True)
class Connections:
    """How many connections a user has, over all relays."""

    connections: int
    #: How many relays answered.
    relays: int

    def __bool__(self) -> bool:
        return self.connections > 0


def ask_connections(relay_url: str | None, api_key: str | None, user: str, timeout: float) -> Connections:
    """``GET /v1/users/{id}``."""
    if relay_url is None or api_key is None:
        raise ValueError(
            "connections() needs relay_url and api_key (TIDINGS_RELAY_URL and TIDINGS_API_KEY in the environment)"
        )
    request = urllib.request.Request(
        f"{relay_url.rstrip('/')}/v1/users/{quote(user, safe='')}", headers={"Authorization": f"Bearer {api_key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            body = json.load(response)
        return Connections(int(body["connections"]), int(body["relays"]))
    except urllib.error.HTTPError as error:
        with error:
            raise _problem(error) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RelayError(f"the relay at {relay_url} gave no answer: {error}") from error


def _problem(error: urllib.error.HTTPError) -> RelayError:
    code: str | None = None
    detail = error.reason
    try:
        problem = json.load(error)
        code = str(problem["type"]).removeprefix("urn:tidings:problem:")
        detail = str(problem["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return RelayError(f"the relay answered {error.code}: {detail}", error.code, code)
