"""What can go wrong, each under its own name."""

from __future__ import annotations


class TidingsError(Exception):
    """What this package raises about Redis, the relay and updates; misuse is a ``ValueError`` or ``RuntimeError``."""


class MalformedUpdate(TidingsError, ValueError):
    """An update breaks a rule of the contract. Nothing was sent, unless only the relay's own limits speak against it."""

    def __init__(self, fault: str, sentence: str, index: int | None = None) -> None:
        where = "" if index is None else f"update {index}: "
        super().__init__(f"{where}{sentence} ({fault})")
        #: The name of the rule, as in docs/protocol.md: ``target_invalid``, ``type_reserved``, ``too_large`` …
        self.fault = fault
        #: One sentence for the developer.
        self.sentence = sentence
        #: Which one of ``publish_many``, from 0; ``None`` elsewhere.
        self.index = index


class Unavailable(TidingsError):
    """Redis did not answer, or no relay listens, for as long as it was tried.

    Some of the updates may have been stored all the same. Publishing them again with the same ids never doubles one
    where the relay keeps history.
    """

    #: The ids of the updates that were not confirmed, in their order.
    update_ids: tuple[str | int, ...] = ()


class Unconfirmed(Unavailable):
    """The connection was lost after a plain ``PUBLISH`` was sent. It is not sent again, since it might arrive twice."""


class HistoryOff(TidingsError):
    """History is asked for (``history=True``), and the relay keeps none."""


class Refused(TidingsError):
    """Redis does not let this user do it, or refuses the command for a reason that does not pass."""


class RelayError(TidingsError):
    """The relay's HTTP interface did not give an answer."""

    def __init__(self, message: str, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        #: The HTTP status, or ``None`` where the relay could not be reached.
        self.status = status
        #: The problem's code, such as ``api_key_refused`` or ``fleet_incomplete``.
        self.code = code
