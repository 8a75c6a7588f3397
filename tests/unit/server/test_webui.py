"""The files of the web page: types, caching, compression, headers; nothing else of the disk is served."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.server.page_headers import CONTENT_POLICY
from holdfast.service.container import Services
from support.api_server import Running, ServerThread
from support.http import Answer, ask

SCRIPT = b"export const page = 1;\n" * 100


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A small page as it is when it has been built, in a directory with a secret beside it."""
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>Page</title>")
    (built / "assets" / "app-1a2b.js").write_bytes(SCRIPT)
    (built / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (built / "assets" / "style-3c4d.css").write_text("body {}")
    (built / "favicon.svg").write_text("<svg/>")
    (built / ".built-from").write_text("hash")
    (tmp_path / "secret.json").write_text("{}")
    return built


@pytest.fixture
def page(services: Services, files: Path) -> Iterator[Running]:
    thread = ServerThread(services, services.paths.socket, files)
    thread.start()
    yield Running(services.paths.socket, services)
    thread.stop()


def get(page: Running, path: str, method: str = "GET", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(page.socket, method, path, headers=named)


def test_what_has_a_hash_in_its_name_is_kept_for_ever(page: Running) -> None:
    answer = get(page, "/ui/assets/app-1a2b.js")
    assert (answer.status, answer.raw) == (200, SCRIPT)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert get(page, "/ui/assets/style-3c4d.css").headers["content-type"] == "text/css; charset=utf-8"


def test_browsers_get_what_is_compressed(page: Running) -> None:
    answer = get(page, "/ui/assets/app-1a2b.js", Accept_Encoding="gzip, deflate, br")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.raw) == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in get(page, "/ui/assets/style-3c4d.css", Accept_Encoding="gzip").headers


def test_the_page_knows_its_own_addresses(page: Running) -> None:
    for path in ("/ui/", "/ui/instances", "/ui/instances/web/snapshots", "/ui/nosuch.js", "/ui/instances/a%2Fb"):
        answer = get(page, path)
        assert (answer.status, b"<title>Page" in answer.raw) == (200, True), path
        assert (answer.headers["cache-control"], answer.headers["content-type"]) == (
            "no-cache",
            "text/html; charset=utf-8",
        )
    again = get(page, "/ui/", If_None_Match=get(page, "/ui/").headers["etag"])
    assert (again.status, again.raw) == (304, b"")
    assert get(page, "/ui/favicon.svg").headers["content-type"] == "image/svg+xml"
    assert get(page, "/ui/", method="HEAD").status == 200
    led = get(page, "/ui")
    assert (led.status, led.headers["location"]) == (308, "/ui/")
    assert get(page, "/", Accept="text/html").body["metadata"] == ["/1.0"]


def test_a_script_that_has_gone_is_not_the_page(page: Running) -> None:
    """An open page of the former version asks for a part that isn't there any more, and must see that."""
    assert get(page, "/ui/assets/app-0000.js").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/ui/../secret.json",
        "/ui/%2e%2e/secret.json",
        "/ui/..%2fsecret.json",
        "/ui/assets/../../secret.json",
        "/ui/assets/%2e%2e/%2e%2e/secret.json",
        "/ui//etc/hostname.json",
        "/ui/.built-from",
        "/ui/assets/app-1a2b.js.gz",
        "/ui/assets/app-1a2b.js%00.css",
        "/ui/assets",
    ],
)
def test_threat_paths_of_pages_that_lead_out(page: Running, path: str) -> None:
    answer = get(page, path)
    assert answer.status in (200, 404)
    assert answer.raw in (b"<!doctype html><title>Page</title>", b"not found\n") or answer.body["error"] == "not found"


def test_threat_links_among_the_files(page: Running, files: Path) -> None:
    (files / "assets" / "out.js").symlink_to("/etc/hostname")
    assert get(page, "/ui/assets/out.js").status == 404


def test_threat_pages_run_and_load_what_is_not_ours(page: Running) -> None:
    """Every answer below /ui/, errors as well, forbids it; and none says more to other sites than it must."""
    token = "A" * 43
    for method, path in (
        ("GET", "/ui"),
        ("GET", "/ui/"),
        ("GET", "/ui/assets/app-1a2b.js"),
        ("GET", "/ui/assets/nosuch.js"),
        ("GET", "/ui/instances/x"),
        ("GET", f"/ui/sign-in?token={token}"),
        ("GET", "/ui/sign-in"),
        ("GET", "/ui/sign-in.css"),
        ("POST", "/ui/sign-in"),
        ("POST", "/ui/"),
        ("DELETE", "/ui/sign-in"),
    ):
        headers = get(page, path, method=method).headers
        assert headers["content-security-policy"] == CONTENT_POLICY, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "unsafe" not in CONTENT_POLICY
    assert get(page, f"/ui/sign-in?token={token}").headers["cache-control"] == "no-store"


def test_a_page_that_is_not_built_says_how(services: Services, tmp_path: Path) -> None:
    thread = ServerThread(services, services.paths.socket, tmp_path / "nothing")
    thread.start()
    answer = ask(services.paths.socket, "GET", "/ui/")
    thread.stop()
    assert (answer.status, b"npm run build" in answer.raw) == (503, True)
