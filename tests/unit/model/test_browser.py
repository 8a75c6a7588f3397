"""Names of browsers, and when their sessions end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.model.browser import IDLE_LASTS, SESSION_LASTS, Browser, browser_name

NOW = datetime(2026, 11, 1, tzinfo=UTC)
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/131.0.0.0 Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36", "Chrome on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0) {_WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 14) {_WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_1) AppleWebKit/605 Version/17.1 Safari/605.1", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) Version/17.1 Mobile Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "Browser"),
        ("", "Browser"),
        ("x" * 5000 + " Firefox/1 Linux", "Browser"),
    ],
)
def test_names(agent: str, name: str) -> None:
    assert browser_name(agent) == name


def test_a_session_ends_by_age_or_by_rest() -> None:
    browser = Browser(
        id="a",
        name="",
        secret_hash="",
        address="",
        restricted=False,
        projects=(),
        created_at=NOW,
        last_seen_at=NOW,
        expires_at=NOW + SESSION_LASTS,
    )
    assert browser.is_valid(NOW + IDLE_LASTS - timedelta(seconds=1))
    assert not browser.is_valid(NOW + IDLE_LASTS)
    assert browser.ends_at == NOW + IDLE_LASTS
