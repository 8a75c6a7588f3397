"""Names for instances whose maker gave none: an adverb-like word and an animal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

_MOODS: Final = (
    *("able", "brave", "bright", "busy", "calm", "clever", "cosmic", "crisp", "daring", "eager", "fair", "fast"),
    *("fine", "fond", "fresh", "gentle", "glad", "golden", "grand", "happy", "hardy", "honest", "jolly", "keen"),
    *("kind", "lively", "loyal", "lucky", "merry", "mighty", "modest", "neat", "noble", "patient", "polite", "proud"),
    *("quick", "quiet", "ready", "robust", "sharp", "smart", "solid", "steady", "strong", "sunny", "swift", "tidy"),
    *("true", "valid", "vital", "warm", "wise", "witty"),
)
_ANIMALS: Final = (
    *("badger", "bear", "beaver", "bison", "buffalo", "camel", "cat", "cheetah", "cod", "crane", "deer", "dolphin"),
    *("dove", "eagle", "elk", "falcon", "ferret", "finch", "fox", "frog", "gecko", "goose", "hare", "hawk"),
    *("heron", "horse", "ibex", "jackal", "jay", "koala", "lemur", "lion", "lynx", "marten", "mole", "moose"),
    *("mouse", "narwhal", "newt", "otter", "owl", "panda", "perch", "pigeon", "puma", "rabbit", "raven", "robin"),
    *("salmon", "seal", "shrew", "stork", "swan", "tiger", "toad", "trout", "turtle", "walrus", "whale", "wolf"),
)


def pet_name(choose: Callable[[Sequence[str]], str], taken: Callable[[str], bool]) -> str:
    """Return a name that isn't taken; a number is added when luck fails."""
    for _ in range(50):
        name = f"{choose(_MOODS)}-{choose(_ANIMALS)}"
        if not taken(name):
            return name
    number = 2
    while taken(f"{name}-{number}"):
        number += 1
    return f"{name}-{number}"
