"""The small language of image templates."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.image_template import render


def _render(text: str) -> str:
    return render(text, name="c1", config={"user.role": "web"}, properties={"zone": "a"})


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ container.name }}\n", "c1\n"),
        ("127.0.1.1 {{instance.name}}", "127.0.1.1 c1"),
        ('{{ config_get("user.role", "none") }}-{{ config_get("user.x", "none") }}', "web-none"),
        ("{{ properties.zone }}{{ properties.nothing }}", "a"),
        ("plain % text { }", "plain % text { }"),
    ],
)
def test_rendering(text: str, result: str) -> None:
    assert _render(text) == result


@pytest.mark.parametrize(
    "text",
    ['{% include "/etc/shadow" %}', "{{ instance.__class__ }}", "{{ config|ssi:'/etc/shadow' }}", "{{ open", "{# x #}"],
)
def test_threat_templates_run_no_engine(text: str) -> None:
    with pytest.raises(BadRequestError):
        _render(text)


def test_threat_templates_dont_grow_without_bounds() -> None:
    with pytest.raises(BadRequestError, match="64 KiB"):
        render("{{ properties.x }}" * 100, name="c1", config={}, properties={"x": "y" * 10_000})


@pytest.mark.parametrize(
    "text",
    ["{{" + " " * 50_000, "{" * 65_000, "{{a" * 20_000, "{{ " * 20_000 + "\n}}"],
    ids=["spaces", "braces", "a", "open"],
)
def test_threat_templates_cant_keep_the_engine_busy(text: str) -> None:
    began_s = time.thread_time()
    with pytest.raises(BadRequestError):
        _render(text)
    assert time.thread_time() - began_s < 2


def test_threat_values_of_templates_are_counted_before_they_are_joined() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadRequestError, match="64 KiB"):
            render("{{properties.x}}" * 4000, name="c1", config={}, properties={"x": "y" * 65_000})
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
