"""The filter language."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.errors import BadRequestError
from holdfast.model.filters import parse

C1 = {
    "name": "c1",
    "status": "Running",
    "ephemeral": False,
    "size": 12,
    "config": {"user.role": "data base", "image.os": "Debian", "user.odd": "a[b"},
    "expanded_devices": {"root": {"path": "/", "pool": "default"}},
}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("   ", True),
        ("name eq c1", True),
        ("name eq C1", True),
        ("name eq c", False),
        ("name eq c.*", True),
        ("name eq ^c", True),
        ("name eq 1$", True),
        ("name ne c1", False),
        ("not name eq c1", False),
        ("not name ne c1", True),
        ("name bogus c1", True),
        ("status eq running and name eq c2", False),
        ("status eq running or name eq c2", True),
        ("name eq c2 or status eq running and name eq c1", True),
        ("name eq c1 or name eq c1 and status eq stopped", False),
        ('config.user.role eq "data base"', True),
        ("config.user.role eq data", False),
        ("config.user.odd eq a[b", True),
        ("expanded_devices.root.path eq /", True),
        ("expanded_devices.root.pool eq def.*", True),
        ("nosuch eq x", False),
        ("nosuch ne x", True),
        ("config eq x", False),
        ("ephemeral eq false", True),
        ("ephemeral eq true", False),
        ("size eq 12", True),
        ("config.image.os eq (debian|ubuntu)", True),
        ("name eq (?=c1)", False),
    ],
)
def test_matching(text: str, passes: bool) -> None:
    assert parse(text).matches(C1) is passes


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name", "clause has no operator"),
        ("name eq", "clause has no value"),
        ("not", "incomplete not clause"),
        ('name eq "c1', "unterminated quote"),
        ("name eq c1 and", "unterminated compound clause"),
        ("name eq c1 xor name eq c2", "invalid clause composition"),
    ],
)
def test_faults(text: str, fault: str) -> None:
    with pytest.raises(BadRequestError, match=f"^Invalid filter: {fault}$"):
        parse(text)


@pytest.mark.parametrize(
    "expression",
    ["(a+)+$", "(a|a)*$", "(a*)*b", "((a+))+b", "a?" * 40 + "a" * 40, "(.*)(.*)(.*)(.*)x", "(a{1,9}){1,9}"],
)
def test_expression_that_would_run_for_ever_is_refused(expression: str) -> None:
    begin = time.thread_time()
    with pytest.raises(BadRequestError, match="repeats or branches too much"):
        parse(f"name eq {expression}").matches({"name": "a" * 60 + "!"})
    assert time.thread_time() - begin < 2


def test_long_value_is_refused() -> None:
    with pytest.raises(BadRequestError, match="512 characters"):
        parse("name eq " + "a" * 513)


@given(st.text(alphabet='ab ().*+?|[]{}\\^$"019', max_size=40))
def test_any_text_parses_or_is_refused_quickly(text: str) -> None:
    try:
        parse(f"name eq {text}").matches({"name": "ab" * 100})
    except BadRequestError as error:
        assert str(error).startswith("Invalid filter: ")


@given(st.lists(st.tuples(st.sampled_from(["and", "or"]), st.booleans()), min_size=1, max_size=8))
def test_left_to_right(terms: list[tuple[str, bool]]) -> None:
    words = [f"name {'eq' if truth else 'ne'} c1" for _, truth in terms]
    text = words[0] + "".join(f" {joining} {word}" for (joining, _), word in zip(terms[1:], words[1:], strict=True))
    expected = terms[0][1]
    for joining, truth in terms[1:]:
        expected = (expected or truth) if joining == "or" else (expected and truth)
    assert parse(text).matches(C1) is expected
