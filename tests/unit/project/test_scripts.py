"""The scripts at the top: they explain themselves, refuse what they don't know, and choose packages rightly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
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


PAGE = {
    "name": "page",
    "version": "1.0.0",
    "scripts": {
        "build": "mkdir -p ../src/holdfast/server/webui_files && cp index.html ../src/holdfast/server/webui_files"
    },
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a page that needs nothing."""
    (tmp_path / "webui").mkdir()
    (tmp_path / "webui" / "package.json").write_text(json.dumps(PAGE))
    lock = {"name": "page", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": PAGE}}
    (tmp_path / "webui" / "package-lock.json").write_text(json.dumps(lock))
    (tmp_path / "webui" / "index.html").write_text("first")
    return tmp_path


@pytest.mark.needs("node", "npm")
def test_the_page_is_built_when_its_sources_have_changed(clone: Path) -> None:
    built = clone / "src/holdfast/server/webui_files/index.html"
    assert "Building" in bash(f"HERE={clone}; set_up_webui").stdout
    assert built.read_text() == "first"
    assert bash(f"HERE={clone}; set_up_webui").stdout == "", "all is there"
    (clone / "webui" / "index.html").write_text("second")
    assert "Building" in bash(f"HERE={clone}; set_up_webui").stdout
    assert built.read_text() == "second"


@pytest.mark.needs("node", "npm")
def test_a_page_that_can_not_be_built_stops_nothing(clone: Path) -> None:
    (clone / "webui" / "index.html").unlink()
    done = bash(f"HERE={clone}; set_up_webui; echo went on")
    assert "could not be built" in done.stdout
    assert done.stdout.endswith("went on\n")
    assert not (clone / "src/holdfast/server/webui_files/.built-from").exists()


def test_what_the_build_makes_is_no_source(clone: Path) -> None:
    before = bash(f"HERE={clone}; webui_key").stdout
    for made in ("node_modules/x/y.js", "src/api/schema.ts"):
        (clone / "webui" / made).parent.mkdir(parents=True)
        (clone / "webui" / made).touch()
    assert bash(f"HERE={clone}; webui_key").stdout == before
    (clone / "webui" / "src" / "main.tsx").touch()
    assert bash(f"HERE={clone}; webui_key").stdout != before


def test_the_page_is_in_the_wheel(tmp_path: Path) -> None:
    """Git knows nothing of what is built; the wheel has it all the same."""
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    page = tmp_path / "src/holdfast/server/webui_files/assets"
    page.mkdir(parents=True)
    (tmp_path / "src/holdfast/__init__.py").touch()
    (page / "app-1a2b.js").touch()
    script = "import hatchling.build; print(hatchling.build.build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        assert "holdfast/server/webui_files/assets/app-1a2b.js" in wheel.namelist()
