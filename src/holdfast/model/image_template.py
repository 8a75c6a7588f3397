"""Templates of images, in the small part of their language that needs no engine: names and configuration values.

    {{ instance.name }}  {{ container.name }}           the instance's name
    {{ config_get("user.x", "default") }}               a configuration value
    {{ properties.x }}                                  a property of the template

Whatever else stands in braces makes the template one that can't be rendered: it is left out, and the file with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from holdfast.model.errors import BadRequestError

_EXPRESSION: Final = re.compile(r"\{\{([^{}\n]*)\}\}")
"""Only one way to match, so that a template can't keep the engine busy: what stands in braces is stripped later."""

_NAME: Final = re.compile(r"(?:instance|container)\.name")
_CONFIG: Final = re.compile(r"""config_get\(\s*["']([\w.-]{1,200})["']\s*,\s*["']([^"']{0,1000})["']\s*\)""")
_PROPERTY: Final = re.compile(r"properties\.(\w{1,100})")
LARGEST_BYTES: Final = 64 * 1024


def render(text: str, *, name: str, config: Mapping[str, str], properties: Mapping[str, str]) -> str:
    """Return the file's content; raise `BadRequestError` for a template outside the language."""

    room = LARGEST_BYTES

    def fit(text: str) -> str:
        nonlocal room
        room -= len(text)
        if room < 0:
            raise BadRequestError("The rendered template is larger than 64 KiB")
        return text

    def value(found: re.Match[str]) -> str:
        expression = found[1].strip()
        if _NAME.fullmatch(expression):
            return fit(name)
        if match := _CONFIG.fullmatch(expression):
            return fit(config.get(match[1], match[2]))
        if match := _PROPERTY.fullmatch(expression):
            return fit(properties.get(match[1], ""))
        raise BadRequestError(f'The template uses "{expression[:100]}", which this server doesn\'t know')

    if len(text) > LARGEST_BYTES:
        raise BadRequestError("The template is larger than 64 KiB")
    if any(mark in _EXPRESSION.sub("", text) for mark in ("{{", "{%", "{#")):
        raise BadRequestError("The template uses blocks, which this server doesn't know")
    rendered = _EXPRESSION.sub(value, text)
    if len(rendered) > LARGEST_BYTES:
        raise BadRequestError("The rendered template is larger than 64 KiB")
    return rendered
