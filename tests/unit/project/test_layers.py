"""Who may import whom: the ladder of docs/internals/architecture.md, read from the source without running it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src" / "holdfast"
LAYERS = {
    "cli": {"client"},
    "client": {"wire"},
    "daemon": None,
    "server": {"service", "wire", "model"},
    "service": {"storage", "runtime", "archive", "migration", "db", "client", "host", "streams", "model"},
    "archive": {"streams", "host", "model", "wire"},
    "migration": {"streams", "host", "model", "wire"},
    "storage": {"host", "streams", "model"},
    "runtime": {"host", "streams", "model"},
    "db": {"model"},
    "streams": {"model"},
    "host": {"model"},
    "wire": set(),
    "model": set(),
}
"""Layer -> layers it may import; None: all. Every layer may import itself and the package's root (its version)."""
EXCEPTIONS = {
    ("cli/server_command.py", "daemon"),
    ("cli/export_files.py", "archive"),
    ("cli/export_files.py", "model"),
    ("model/due.py", "cronsim"),
}
"""A process of its own; export files on this machine, for which no server is needed; and the calendar of cron lines,
which is pure as the model is."""
STANDARD_LIBRARY_ONLY = {"model"}
OWNER_OF_LIBRARY = {
    "sqlalchemy": {"db"},
    "alembic": {"db"},
    "aiohttp": {"server", "client", "daemon"},
    "cffi": {"runtime"},
}


def imports_of(path: Path) -> set[str]:
    """Return the dotted names that a module imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "holdfast" else {module}
    return found


def layer_of(relative: Path) -> str:
    return relative.parts[0].removesuffix(".py")


def broken_rules(root: Path) -> list[str]:
    """Return one line for each import below `root` (a package's directory) that the ladder forbids."""
    lines = []
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        layer = layer_of(relative)
        if relative.as_posix() in ("__init__.py", "__main__.py"):
            continue
        if layer not in LAYERS:
            lines.append(f"{relative}: {layer} is no layer of the house")
            continue
        lines += [f"{relative}: may not import {name}" for name in sorted(imports_of(path)) if not may(relative, name)]
    return lines


def may(relative: Path, name: str) -> bool:
    layer = layer_of(relative)
    top, _, rest = name.partition(".")
    if top != "holdfast":
        is_standard = top in sys.stdlib_module_names
        if layer in STANDARD_LIBRARY_ONLY and not is_standard:
            return (relative.as_posix(), top) in EXCEPTIONS
        return layer in OWNER_OF_LIBRARY.get(top, {layer})
    target = rest.partition(".")[0]
    allowed = LAYERS[layer]
    if allowed is None or target == layer or target.startswith("__") or target == "":
        return True
    return target in allowed or (relative.as_posix(), target) in EXCEPTIONS


def test_every_import_goes_down_the_ladder() -> None:
    assert broken_rules(SOURCE) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("model/x.py", "import yaml"),
        ("model/x.py", "from holdfast.host import run"),
        ("storage/x.py", "from holdfast.runtime.base import Runtime"),
        ("cli/x.py", "from holdfast.service.images import ImageService"),
        ("service/x.py", "def f():\n    import sqlalchemy"),
        ("helpers/x.py", "import os"),
    ],
)
def test_a_forbidden_import_is_seen(tmp_path: Path, module: str, line: str) -> None:
    path = tmp_path / module
    path.parent.mkdir()
    path.write_text(line + "\n")
    assert len(broken_rules(tmp_path)) == 1
