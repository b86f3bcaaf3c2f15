"""What is sent in which case, step by step, with time and chance in the test's hands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from redis.exceptions import ConnectionError, NoPermissionError, ReadOnlyError, ResponseError

from tidings import HistoryOff, MalformedUpdate, Refused, Unavailable, Unconfirmed, Update
from tidings._delivery import Commands, Deliverer, History, Sleep, Surroundings
from tidings._draft import make_draft

MISSING = ResponseError("Function not found")
HISTORY = [[(b"tidings:log", 1), (b"tidings:control", 1)]]
PLAIN = [[(b"tidings:log", 0), (b"tidings:control", 2)]]
NOBODY = [[b"tidings:log", 0, b"tidings:control", 0]]


class Redis:
    """Answers by a script: a list of replies, or an exception that the connection raises."""

    def __init__(self, history: History = "auto", retry_for: float = 10.0) -> None:
        self.now = 0.0
        self.sent: list[str] = []
        self.waits: list[float] = []
        self.deliverer = Deliverer(
            history=history,
            channel="updates",
            retry_for=retry_for,
            surroundings=Surroundings(now=lambda: self.now, random=lambda: 0.5),
        )

    def publish(self, script: Sequence[Any], count: int = 1) -> list[str | None]:
        answers = list(script)
        drafts = [make_draft(Update("ann", "t", n, id=n), max_update_bytes=999, default=None) for n in range(count)]
        delivery = self.deliverer.deliver(drafts)
        replies: Any = None
        fault: Exception | None = None
        while True:
            try:
                step = delivery.send(replies) if fault is None else delivery.throw(fault)
            except StopIteration as end:
                assert answers == []
                return list(end.value)
            replies, fault = [], None
            if isinstance(step, Sleep):
                self.waits.append(step.seconds)
                self.now += step.seconds
                continue
            assert isinstance(step, Commands)
            self.sent += [str(line[0]) for line in step.lines]
            answer = answers.pop(0) if answers else ConnectionError("gone")
            if isinstance(answer, Exception) and not isinstance(answer, ResponseError):
                fault = answer
            else:
                replies = [answer] if isinstance(answer, ResponseError) else answer


def test_the_offset_comes_back_and_the_question_is_asked_once_in_half_a_minute() -> None:
    redis = Redis()
    assert redis.publish([HISTORY, [b"e.1"]]) == ["e.1"]
    assert redis.publish([["e.2", "e.3"]], count=2) == ["e.2", "e.3"]
    redis.now += 31
    assert redis.publish([HISTORY, [b"e.4"]]) == ["e.4"]
    assert redis.sent == ["PUBSUB", "FCALL", "FCALL", "FCALL", "PUBSUB", "FCALL"]


def test_relays_without_history_are_told_by_plain_publish_though_redis_may_have_the_functions() -> None:
    redis = Redis()
    assert redis.publish([PLAIN, [b"PONG"], [1]]) == [None]
    assert redis.publish([[b"PONG"], [1, 1]], count=2) == [None, None]
    assert redis.sent == ["PUBSUB", "PING", "PUBLISH", "PING", "PUBLISH", "PUBLISH"]


def test_an_update_waits_in_the_log_where_the_functions_are_and_no_relay_listens() -> None:
    assert Redis().publish([NOBODY, [b"e.1"]]) == ["e.1"]


def test_it_waits_for_a_relay_where_there_is_neither() -> None:
    redis = Redis()
    assert redis.publish([NOBODY, MISSING, NOBODY, MISSING, HISTORY, MISSING, HISTORY, [b"e.1"]]) == ["e.1"]
    assert redis.waits == [0.025, 0.05, 0.1]
    with pytest.raises(Unavailable, match="no relay listens") as caught:
        Redis(retry_for=0).publish([NOBODY, MISSING])
    assert caught.value.update_ids == (0,)


def test_functions_that_vanish_are_asked_for_anew_rather_than_gone_around() -> None:
    redis = Redis()
    redis.publish([HISTORY, [b"e.1"]])
    assert redis.publish([MISSING, HISTORY, MISSING, HISTORY, [b"f.1"]]) == ["f.1"]
    assert "PUBLISH" not in redis.sent


def test_where_redis_does_not_say_who_listens_the_answer_of_the_function_decides() -> None:
    denied = NoPermissionError("this user has no permissions to run the 'pubsub' command")
    assert Redis().publish([[denied], [b"e.1"]]) == ["e.1"]
    assert Redis().publish([[denied], MISSING, [b"PONG"], [1]]) == [None]
    with pytest.raises(Unavailable, match="no relay listens"):
        Redis(retry_for=0).publish([[denied], MISSING, [b"PONG"], [0]])


def test_a_repeat_waits_a_random_time_below_a_doubling_bound_until_the_time_is_up() -> None:
    redis = Redis(history=True, retry_for=3)
    with pytest.raises(Unavailable, match="not published within 3 s: gone") as caught:
        redis.publish([])
    assert redis.waits == [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0]
    assert caught.value.update_ids == (0,)


def test_what_passes_is_tried_again_and_what_does_not_is_raised() -> None:
    loading = [ResponseError("LOADING Redis is loading the dataset in memory")]
    assert Redis(history=True).publish([loading, [ReadOnlyError("replica")], [b"e.1"]]) == ["e.1"]
    with pytest.raises(Refused, match="no permissions"):
        Redis(history=True).publish([[NoPermissionError("no permissions")]])
    with pytest.raises(MalformedUpdate) as caught:
        Redis(history=True).publish([["e.1", ResponseError("tidings: too_large: it is")]], count=2)
    assert (caught.value.fault, caught.value.index) == ("too_large", 1)


def test_history_that_is_insisted_on_is_never_gone_around() -> None:
    redis = Redis(history=True, retry_for=1)
    with pytest.raises(HistoryOff):
        redis.publish([MISSING] * 7)
    assert set(redis.sent) == {"FCALL"}


def test_a_plain_publish_that_may_have_arrived_is_not_sent_again() -> None:
    redis = Redis(history=False)
    gone = ConnectionError("gone")
    assert redis.publish([gone, gone, [b"PONG"], [0]]) == [None]
    with pytest.raises(Unconfirmed) as caught:
        redis.publish([[b"PONG"], gone], count=2)
    assert caught.value.update_ids == (0, 1)


def test_many_updates_go_in_chunks_and_what_is_left_is_named() -> None:
    redis = Redis(history=True, retry_for=0)
    positions = [f"e.{n + 1}" for n in range(600)]
    assert redis.publish([positions[:256], positions[256:512], positions[512:]], count=600) == positions
    with pytest.raises(Unavailable) as caught:
        redis.publish([positions[:256]], count=600)
    assert caught.value.update_ids == tuple(range(256, 600))
