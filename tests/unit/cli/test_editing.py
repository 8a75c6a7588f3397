"""`edit` of every kind of thing: what says nothing of it takes nothing away."""

from __future__ import annotations

import io
from pathlib import Path

import click
import pytest

from holdfast.cli.main import main
from support.unixserver import Asked, UnixServer, background, operation, sync

CONFIG = {"config": {"user.note": "precious"}, "description": ""}
SNAPSHOT = {**CONFIG, "name": "s", "expires_at": "2030-01-01T00:00:00Z", "held": True}
IMAGE = {"target": "0123", "fingerprint": "0123", "properties": {"os": "Debian"}, "public": False, "aliases": []}
CERTIFICATE = {"name": "ann", "type": "client", "restricted": True, "projects": ["a"], "fingerprint": "0123"}
EDITS = {
    "config edit": CONFIG,
    "config edit web": {**CONFIG, "devices": {}, "profiles": ["default"]},
    "config edit web/s": SNAPSHOT,
    "config trust edit 0123": CERTIFICATE,
    "profile edit big": {**CONFIG, "devices": {}},
    "project edit team": CONFIG,
    "storage edit default": CONFIG,
    "storage volume edit default data": CONFIG,
    "storage volume edit default data/s": SNAPSHOT,
    "image edit 0123": IMAGE,
}


def _edit(
    socket_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, stdin: io.TextIOBase | None
) -> tuple[int, list[Asked]]:
    """Edit what a server shows; return the exit code, and what was asked beside looking."""

    def respond(asked: Asked) -> bytes:
        if asked.method != "GET":
            return background(operation(200))
        if asked.path.startswith("/1.0/operations"):
            return sync(operation(200))
        return sync(EDITS[words], "200 OK", 'ETag: "1"')

    monkeypatch.setenv("HOLDFAST_SOCKET", str(socket_path))
    monkeypatch.setattr("sys.stdin", stdin)
    with UnixServer(socket_path, respond) as server:
        code = main(words.split())
    return code, [asked for asked in server.asked if asked.method != "GET"]


@pytest.mark.parametrize("words", EDITS)
def test_threat_an_empty_text_takes_all_keys_away(
    words: str, short_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _edit(short_tmp_path / "s", monkeypatch, words, io.StringIO("# all is a comment\n")) == (0, [])
    assert capsys.readouterr().err == "Nothing was changed\n"


@pytest.mark.parametrize("words", EDITS)
@pytest.mark.parametrize(
    ("text", "said"), [("bogus: 1\n", "there is no bogus here"), ("user.note\n", "must be a mapping")]
)
def test_a_text_about_something_else_is_refused(
    words: str,
    text: str,
    said: str,
    short_tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _edit(short_tmp_path / "s", monkeypatch, words, io.StringIO(text)) == (1, [])
    shown = capsys.readouterr().err
    assert shown.startswith("Error: ") and shown.count("\n") == 1
    assert said in shown


@pytest.mark.parametrize("words", EDITS)
def test_what_is_said_is_saved(words: str, short_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "name" if "trust" in words else "public" if "image" in words else "description"
    key = "config" if words == "config edit" else key
    value = {"user.note": "new"} if key == "config" else "new"
    text = 'config: {user.note: "new"}\n' if key == "config" else f"{key}: new\nother: 1\n"
    code, changes = _edit(short_tmp_path / "s", monkeypatch, words, io.StringIO(text))
    assert code == 0
    assert [asked.json()[key] for asked in changes] == [value]


def test_closed_standard_input_and_bytes_that_are_no_text(
    short_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _edit(short_tmp_path / "s", monkeypatch, "profile edit big", None) == (0, [])
    no_text = io.TextIOWrapper(io.BytesIO(b"config: \xff\n"), encoding="utf-8")
    assert _edit(short_tmp_path / "t", monkeypatch, "profile edit big", no_text) == (1, [])
    assert capsys.readouterr().err.endswith("Error: What came on standard input is no text\n")


def test_an_empty_text_in_the_editor(
    short_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(click, "edit", lambda *_, **__: "\n### only what the editor says\n")
    assert _edit(short_tmp_path / "s", monkeypatch, "profile edit big", Terminal()) == (0, [])
    assert capsys.readouterr().err == "Nothing was changed\n"
