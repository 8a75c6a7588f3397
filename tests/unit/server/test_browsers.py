"""The web page's sign-in: links that are good once, cookies, and what other sites can't do with them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from holdfast.model.browser import IDLE_LASTS, LINK_LASTS, SESSION_LASTS
from holdfast.model.clock import SystemClock
from holdfast.model.guess_limit import MOST_FROM_ONE
from holdfast.server.route import Answer as Kind
from holdfast.server.route import Permission
from holdfast.server.routes import ROUTES
from holdfast.service.caller import INTERNAL, Caller
from support.all_routes import REFUSED, body_of, path_of
from support.browsers import FIREFOX, BrowserAtWork, events, sign_in, token_of, use_token
from support.clients import Clients
from support.http import ask
from support.https import ask_https

NOBODY = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY"


def set_time(monkeypatch: pytest.MonkeyPatch, passed: timedelta) -> None:
    moment = datetime.now(UTC) + passed
    monkeypatch.setattr(SystemClock, "now", lambda self: moment)


# --- the link ---------------------------------------------------------------------------------------------------------


def test_a_link_signs_a_browser_in(clients: Clients) -> None:
    made = clients.ask(clients.admin, "POST", "/1.0/ui/links", {}).body["metadata"]
    address, _, token = made["url"].partition("/ui/sign-in?token=")
    assert (address, made["other_urls"]) == (f"https://127.0.0.1:{clients.port}", [])
    page = ask_https(clients.port, None, "GET", f"/ui/sign-in?token={token}")
    assert page.status == 200
    assert f'value="{token}"'.encode() in page.raw
    answer = use_token(clients.port, token)
    assert (answer.status, answer.headers["location"], answer.raw) == (303, "/ui/", b"")
    browser = BrowserAtWork(clients.port, answer.headers["set-cookie"].partition(";")[0])
    session = browser.ask("GET", "/1.0/ui/session").body["metadata"]
    assert (session["by"], session["access"], session["name"]) == ("browser", "full", "Firefox on Linux")
    assert browser.ask("GET", "/1.0").body["metadata"]["auth"] == "trusted"


def test_threat_the_cookie_is_kept_from_scripts_and_other_sites(clients: Clients) -> None:
    answer = use_token(clients.port, token_of(clients))
    pair, *flags = answer.headers["set-cookie"].split("; ")
    assert pair.startswith("__Host-holdfast=")
    assert {flag.lower() for flag in flags} >= {"secure", "httponly", "samesite=strict", "path=/"}
    assert not any(flag.lower().startswith("domain") for flag in flags)


def test_threat_a_link_is_used_twice(clients: Clients) -> None:
    token = token_of(clients)
    assert use_token(clients.port, token).status == 303
    again = use_token(clients.port, token)
    assert again.status == 403
    assert "set-cookie" not in again.headers
    assert b"has been used" in again.raw


def test_threat_a_link_is_looked_at_before_it_is_used(clients: Clients) -> None:
    """Programs that look at links (mail, chat, browsers that read ahead) don't use them up, and learn nothing."""
    token = token_of(clients)
    good = ask_https(clients.port, None, "GET", f"/ui/sign-in?token={token}")
    bad = ask_https(clients.port, None, "GET", f"/ui/sign-in?token={NOBODY}")
    assert good.raw.replace(token.encode(), b"") == bad.raw.replace(NOBODY.encode(), b"")
    assert "set-cookie" not in good.headers
    assert use_token(clients.port, token).status == 303


def test_threat_an_old_link(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(clients)
    set_time(monkeypatch, LINK_LASTS + timedelta(seconds=1))
    assert use_token(clients.port, token).status == 403


def test_threat_links_are_guessed(clients: Clients) -> None:
    token = token_of(clients)
    for _ in range(MOST_FROM_ONE):
        assert use_token(clients.port, NOBODY).status == 403
    refused = use_token(clients.port, token)
    assert (refused.status, refused.headers["retry-after"].isdigit()) == (429, True)
    assert use_token(clients.port, token, source="127.0.0.2").status == 303, "other addresses aren't concerned"


def test_threat_the_link_is_in_the_log(clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    token = token_of(clients)
    with caplog.at_level(logging.DEBUG):
        ask_https(clients.port, None, "GET", f"/ui/sign-in?token={token}")
        ask_https(clients.port, None, "GET", "/1.0?project=seen")
    written = str([{**record.__dict__} for record in caplog.records])
    assert "seen" in written
    assert "/ui/sign-in" in written
    assert token not in written


@pytest.mark.parametrize("token", ["", "short", "<script>alert(1)</script>xxxx", NOBODY + "\r\nX: y", "a" * 101])
def test_threat_markup_in_a_link(clients: Clients, token: str) -> None:
    page = ask_https(clients.port, None, "GET", f"/ui/sign-in?token={quote(token)}")
    assert page.status == 400
    assert b"script" not in page.raw
    assert use_token(clients.port, token).status == 403


def test_threat_large_forms_are_not_kept(clients: Clients) -> None:
    answer = use_token(clients.port, "a" * 100_000)
    assert answer.status in (400, 403)


def test_threat_another_site_signs_a_browser_in(clients: Clients) -> None:
    token = token_of(clients)
    for headers in (
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Origin": f"https://127.0.0.1:{clients.port}"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Accept": "*/*"},
    ):
        assert use_token(clients.port, token, **headers).status == 403, headers
    assert use_token(clients.port, token, Sec_Fetch_Site="same-origin", Origin="null").status == 303


def test_only_administrators_make_links(clients: Clients) -> None:
    for who in (None, clients.stranger, clients.metrics, clients.restricted):
        assert clients.ask(who, "POST", "/1.0/ui/links", {}).status == 403
    assert sign_in(clients, restricted=True, projects=["p1"]).ask("POST", "/1.0/ui/links", {}).status == 403
    assert sign_in(clients).ask("POST", "/1.0/ui/links", {}).status == 200
    assert clients.ask(clients.admin, "POST", "/1.0/ui/links", {"restricted": True, "projects": ["x"]}).status == 404
    assert clients.ask(clients.admin, "POST", "/1.0/ui/links", {"projects": ["p1"]}).status == 400


def test_links_need_an_address(clients: Clients) -> None:
    socket, services = clients.api.socket, clients.api.services
    assert ask(socket, "POST", "/1.0/ui/links", {}).status == 200
    services.server_config.patch(INTERNAL, {"core.https_address": ""})
    answer = ask(socket, "POST", "/1.0/ui/links", {})
    assert answer.status == 400
    assert "holdfast ui --address" in answer.body["error"]


# --- the session ------------------------------------------------------------------------------------------------------


def test_threat_secrets_are_read_from_the_database(clients: Clients) -> None:
    token = token_of(clients)
    browser = sign_in(clients)
    kept = b"".join(path.read_bytes() for path in clients.api.services.paths.database_dir.iterdir())
    assert b"browsers" in kept
    assert token.encode() not in kept
    assert browser.cookie.partition("=")[2].encode() not in kept


def test_browsers_are_listed_and_revoked(clients: Clients) -> None:
    first, second = sign_in(clients), sign_in(clients, restricted=True, projects=["p1"])
    listed = first.ask("GET", "/1.0/ui/browsers?recursion=1").body["metadata"]
    assert [(each["name"], each["restricted"], each["projects"], each["current"]) for each in listed] == [
        ("Firefox on Linux", False, [], True),
        ("Firefox on Linux", True, ["p1"], False),
    ]
    assert first.ask("GET", "/1.0/ui/browsers").body["metadata"] == [f"/1.0/ui/browsers/{one['id']}" for one in listed]
    own = second.ask("GET", "/1.0/ui/browsers?recursion=1").body["metadata"]
    assert [each["id"] for each in own] == [listed[1]["id"]], "who is restricted sees itself"
    assert second.ask("DELETE", f"/1.0/ui/browsers/{listed[0]['id']}").status == 404
    assert first.ask("DELETE", f"/1.0/ui/browsers/{listed[1]['id']}").status == 200
    assert second.ask("GET", "/1.0/ui/session").status == 403
    assert first.ask("GET", "/1.0/ui/session").status == 200


def test_signing_out(clients: Clients) -> None:
    browser = sign_in(clients)
    answer = browser.ask("DELETE", "/1.0/ui/session")
    assert answer.status == 200
    assert answer.headers["set-cookie"].startswith('__Host-holdfast="";')
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert browser.ask("GET", "/1.0/ui/session").body == REFUSED
    assert clients.ask(clients.admin, "DELETE", "/1.0/ui/session").status == 400


def test_signing_in_again_leaves_no_former_session(clients: Clients) -> None:
    browser = sign_in(clients)
    answer = use_token(clients.port, token_of(clients), Cookie=browser.cookie, Sec_Fetch_Site="same-origin")
    assert answer.status == 303
    assert browser.ask("GET", "/1.0/ui/session").status == 403
    assert len(clients.ask(clients.admin, "GET", "/1.0/ui/browsers").body["metadata"]) == 1


def test_threat_sessions_last_for_ever(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, idle = sign_in(clients), sign_in(clients)
    for passed in (IDLE_LASTS - timedelta(hours=1), 2 * IDLE_LASTS - timedelta(hours=2)):
        set_time(monkeypatch, passed)
        assert browser.ask("GET", "/1.0/ui/session").status == 200, "it is in use"
    assert idle.ask("GET", "/1.0/ui/session").status == 403
    for days in range(20, 30, 5):
        set_time(monkeypatch, timedelta(days=days))
        assert browser.ask("GET", "/1.0/ui/session").status == 200
    set_time(monkeypatch, SESSION_LASTS + timedelta(seconds=1))
    assert browser.ask("GET", "/1.0/ui/session").status == 403
    clients.api.services.browsers.expire()
    monkeypatch.undo()
    assert clients.api.services.browsers.list(INTERNAL) == []


def test_who_is_asking(clients: Clients) -> None:
    def session(answer_of: object) -> tuple[str, str, list[str], str]:
        metadata = answer_of.body["metadata"]  # type: ignore[attr-defined]
        return metadata["by"], metadata["access"], metadata["projects"], metadata["name"]

    path = "/1.0/ui/session"
    assert session(ask(clients.api.socket, "GET", path)) == ("socket", "full", [], "root")
    assert session(clients.ask(clients.admin, "GET", path)) == ("certificate", "full", [], "admin")
    assert session(clients.ask(clients.restricted, "GET", path)) == ("certificate", "restricted", ["p1"], "restricted")
    browser = sign_in(clients, restricted=True, projects=["p1"])
    assert session(browser.ask("GET", path)) == ("browser", "restricted", ["p1"], "Firefox on Linux")
    as_both = clients.ask(clients.admin, "GET", path, Cookie=browser.cookie)
    assert session(as_both)[:2] == ("browser", "restricted"), (
        "the cookie was asked for, the certificate comes by itself"
    )
    with_old = clients.ask(clients.admin, "GET", path, Cookie=f"__Host-holdfast={NOBODY}")
    assert session(with_old)[:2] == ("certificate", "full")


def test_events_tell_which_browser_asked(clients: Clients) -> None:
    browser = sign_in(clients)
    with events(browser, type="lifecycle") as socket:
        browser.ask("POST", "/1.0/profiles", {"name": "made"})
        requestor = json.loads(next(socket))["metadata"]["requestor"]
    assert requestor["protocol"] == "browser"
    assert requestor["username"] == browser.ask("GET", "/1.0/ui/session").body["metadata"]["browser"]


# --- every route ------------------------------------------------------------------------------------------------------


@pytest.mark.root
def test_threat_restricted_browsers_on_every_route(clients: Clients) -> None:
    browser = sign_in(clients, restricted=True, projects=["p1"])
    for row in ROUTES:
        if row.path.startswith("/1.0/ui/") and row.method == "DELETE":
            continue  # would sign it out; above
        body = body_of(row)
        queries = {
            Permission.ADMIN: ("?project=p1",),
            Permission.PROJECT: ("", "?project=p2", "?project=nosuch", "?all-projects=true"),
            Permission.METRICS: ("", "?project=p2"),
        }
        for query in queries.get(row.permission, ()):
            answer = browser.ask(row.method, path_of(row) + query, body)
            assert answer.status == 403, f"{row.method} {row.path}{query}: {answer.raw!r}"
        if row.permission is Permission.PROJECT:
            allowed = browser.ask(row.method, path_of(row) + "?project=p1", body)
            assert allowed.status != 403 or (allowed.body or {}).get("error") != "not authorized", row.path


@pytest.mark.root
def test_threat_pages_of_other_sites_on_every_route(clients: Clients) -> None:
    """With the cookie of an administrator: browsers wouldn't send it, and the server doesn't rely on that."""
    browser, own = sign_in(clients), f"https://127.0.0.1:{clients.port}"
    for row in ROUTES:
        is_public = row.permission in (Permission.ANYONE, Permission.SECRET) and row.method == "GET"
        if is_public and row.answer is not Kind.WEBSOCKET:
            continue
        body = body_of(row)
        ways = [{"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site", "Origin": own}]
        if row.method not in ("GET", "HEAD"):
            ways += [
                {},
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
                {"Origin": own.replace("https", "http")[:-1]},
            ]
        if row.answer is Kind.WEBSOCKET:
            upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
            ways += [upgrade, {**upgrade, "Origin": "https://evil.example"}]
        for headers in ways:
            answer = browser.ask_bare(row.method, path_of(row), body, **headers)
            assert answer.status == 403, f"{row.method} {row.path} {headers}: {answer.raw!r}"
    assert browser.ask("GET", "/1.0/ui/session").status == 200, "nothing has signed it out"


def test_the_servers_own_page_may(clients: Clients) -> None:
    browser, own = sign_in(clients), f"https://127.0.0.1:{clients.port}"
    for number, headers in enumerate(({"Sec_Fetch_Site": "same-origin"}, {"Origin": own})):
        answer = browser.ask_bare("POST", "/1.0/profiles", {"name": f"made{number}"}, **headers)
        assert answer.status == 201
    assert browser.ask_bare("GET", "/1.0", Sec_Fetch_Site="none").status == 200, "an address that was typed in"


def test_threat_a_page_of_another_site_uses_a_certificate_and_says_so(clients: Clients) -> None:
    for site in ("cross-site", "same-site"):
        for row in ROUTES:
            if row.permission in (Permission.ADMIN, Permission.TRUSTED):
                body = body_of(row)
                answer = clients.ask(clients.admin, row.method, path_of(row), body, Sec_Fetch_Site=site)
                assert answer.status == 403, row.path
    assert clients.ask(clients.admin, "GET", "/1.0", Sec_Fetch_Site="none").status == 200


def test_threat_a_page_reaches_the_socket_by_a_port_that_leads_to_it(clients: Clients) -> None:
    """As with `ssh -L 8080:…/unix.socket`: any page may ask for localhost:8080, or give that a name of its own."""
    socket = clients.api.socket

    def asked_as(method: str, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(socket, method, "/1.0/profiles", {"name": "x"} if method == "POST" else None, headers=named).status

    assert asked_as("GET", Host="evil.example:8080") == 403
    assert asked_as("POST", Host="evil.example:8080", Origin="http://evil.example:8080") == 403
    assert asked_as("POST", Host="localhost:8080", Origin="https://evil.example") == 403
    assert asked_as("POST", Host="localhost:8080", Origin="null") == 403
    assert asked_as("POST", Host="localhost:8080", Origin="http://localhost:3000", Sec_Fetch_Site="same-site") == 403
    assert asked_as("GET", Host="localhost:8080", Sec_Fetch_Site="cross-site") == 403
    for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080", "unix.socket", "lxd", "%2Frun%2Fx.y%2Fsock", ""):
        assert asked_as("GET", Host=host, Sec_Fetch_Site="same-origin") == 200, host
    assert asked_as("POST", Host="localhost:8080", Origin="http://localhost:8080", Sec_Fetch_Site="same-origin") == 201


# --- what is open -----------------------------------------------------------------------------------------------------


def test_threat_streams_of_a_browser_that_is_signed_out(clients: Clients) -> None:
    restricted, admin = sign_in(clients, restricted=True, projects=["p1"]), sign_in(clients)
    with events(restricted, project="p1") as theirs, events(admin, **{"all-projects": "true"}) as ours:
        clients.api.services.profiles.create(Caller("p1"), "made", "", {}, {})
        assert json.loads(next(theirs))["metadata"]["action"] == "profile-created"
        theirs_id = restricted.ask("GET", "/1.0/ui/session").body["metadata"]["browser"]
        admin.ask("DELETE", f"/1.0/ui/browsers/{theirs_id}")
        assert list(theirs) == [], "it ends"
        admin.ask("DELETE", "/1.0/ui/session")
        actions = [json.loads(message)["metadata"].get("action") for message in ours]
    assert actions == ["profile-created", "browser-deleted"] or actions[-2:] == ["browser-deleted"] * 2


def test_threat_streams_of_a_browser_whose_time_is_over(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(clients)
    with events(browser) as socket:
        set_time(monkeypatch, SESSION_LASTS)
        clients.api.services.browsers.expire()
        list(socket)  # ends


def test_a_project_that_goes_is_taken_from_its_browsers(clients: Clients) -> None:
    browser = sign_in(clients, restricted=True, projects=["p1", "p2"])
    with events(browser) as socket:
        clients.api.services.projects.delete(INTERNAL, "p2")
        list(socket)  # ends: what it may see has changed
    assert browser.ask("GET", "/1.0/ui/session").body["metadata"]["projects"] == ["p1"]


def test_names_of_browsers(clients: Clients) -> None:
    """Nothing that a browser says of itself gets into its name."""
    answer = use_token(
        clients.port, token_of(clients), User_Agent="<b>x</b> Chrome/1 (Windows)", Sec_Fetch_Site="same-origin"
    )
    assert answer.status == 303
    (listed,) = clients.api.services.browsers.list(INTERNAL)
    assert listed.name == "Chrome on Windows"
    assert FIREFOX not in listed.name
