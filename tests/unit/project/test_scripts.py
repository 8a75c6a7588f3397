"""The scripts at the top: they explain themselves, refuse what they don't know, and choose packages rightly."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = ("run", "test", ".ci/run", "packaging/setup.sh", "packaging/tour.sh")


def bash(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"HERE={ROOT}; source packaging/setup.sh; {script}"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_syntax_is_right(name: str) -> None:
    assert subprocess.run(["bash", "-n", ROOT / name], capture_output=True, check=False).stderr == b""


@pytest.mark.parametrize("name", ["run", "test"])
def test_help_explains(name: str) -> None:
    done = subprocess.run([ROOT / name, "--help"], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.startswith(f"usage: ./{name}")


def test_run_refuses_what_it_does_not_know() -> None:
    for arguments in (["--nonsense"], ["--stop", "--clean"]):
        done = subprocess.run([ROOT / "run", *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr[:13]) == (1, "usage: ./run ")


@pytest.mark.needs("dpkg-query")
def test_only_missing_packages_are_named() -> None:
    done = bash("missing_packages dpkg 'no-such-package-b|dpkg' no-such-package-a")
    assert done.stdout == "no-such-package-a\n"


def test_what_is_installed_needs_no_network(tmp_path: Path) -> None:
    """With nothing missing apt-get is not even looked for."""
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho called >&2; exit 1\n")
    (tmp_path / "apt-get").chmod(0o755)
    done = bash("set_up_packages dpkg", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_package_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "apt-get").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = bash("set_up_packages no-such-package-a", PATH=path)
    assert (done.returncode, done.stderr) == (1, "error: apt-get could not install: no-such-package-a\n")
    done = bash("set_up_optional_packages no-such-package-a", PATH=path)
    assert done.returncode == 0
    assert "Without no-such-package-a: the tests that need it are skipped, by name." in done.stdout


def test_the_environment_is_made_anew_when_the_lock_file_changes(tmp_path: Path) -> None:
    keys = set()
    for lock in ("a==1", "a==2"):
        (tmp_path / "requirements.lock").write_text(lock)
        (tmp_path / "pyproject.toml").touch()
        keys.add(bash(f"HERE={tmp_path}; environment_key").stdout)
    assert len(keys) == 2
