"""Guesses are counted per address and in all, also those that are under way."""

from __future__ import annotations

import pytest

from holdfast.model.errors import NotAuthorizedError, TooManyGuessesError
from holdfast.model.guess_limit import MOST_FROM_ONE, MOST_IN_ALL, SPAN_S, GuessLimit


class Watch:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def wrong(limit: GuessLimit, address: str) -> None:
    with pytest.raises(NotAuthorizedError), limit.guess(address):
        raise NotAuthorizedError


def right(limit: GuessLimit, address: str) -> None:
    with limit.guess(address):
        pass


def test_threat_passwords_are_guessed_from_one_address() -> None:
    watch = Watch()
    limit = GuessLimit(watch)
    for _ in range(MOST_FROM_ONE):
        wrong(limit, "10.0.0.1")
    with pytest.raises(TooManyGuessesError, match="60 seconds"):
        right(limit, "10.0.0.1")
    right(limit, "10.0.0.2")
    watch.now_s += SPAN_S
    right(limit, "10.0.0.1")


def test_threat_passwords_are_guessed_from_many_addresses() -> None:
    watch = Watch()
    limit = GuessLimit(watch)
    for number in range(MOST_IN_ALL):
        wrong(limit, f"10.0.{number}.1")
    with pytest.raises(TooManyGuessesError):
        right(limit, "10.1.0.1")
    watch.now_s += SPAN_S
    right(limit, "10.1.0.1")


def test_threat_guesses_at_the_same_time_are_counted() -> None:
    limit = GuessLimit(Watch())
    under_way = [limit.guess("10.0.0.1") for _ in range(MOST_FROM_ONE)]
    for guess in under_way:
        guess.__enter__()
    with pytest.raises(TooManyGuessesError):
        right(limit, "10.0.0.1")
    for guess in under_way:
        guess.__exit__(None, None, None)
    right(limit, "10.0.0.1")


def test_right_ones_cost_nothing() -> None:
    limit = GuessLimit(Watch())
    for _ in range(3 * MOST_IN_ALL):
        right(limit, "10.0.0.1")


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8::1", "2001:db8::ffff:2"), ("::ffff:10.0.0.1", "10.0.0.1"), ("fe80::1%eth0", "fe80::1%eth0")],
)
def test_addresses_of_one_host_are_one(one: str, other: str) -> None:
    limit = GuessLimit(Watch())
    for _ in range(MOST_FROM_ONE):
        wrong(limit, one)
    with pytest.raises(TooManyGuessesError):
        right(limit, other)
