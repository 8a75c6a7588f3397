from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.host.debian_mirror import NoMirrorError, find_mirror

DEB822 = """# made by an installer
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
# the other one
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
"""
FOREIGN = """deb https://packages.vendor.example cloud-sdk-bookworm main
deb [signed-by=/k] https://vendor.example/linux bookworm stable
deb https://vendor.example/linux/debian bookworm stable
"""


def apt(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    for name, text in files.items():
        path = tmp_path / "sources.list" if name == "plain" else folder / name.replace("_", ".")
        path.write_text(text)
    return tmp_path


def test_deb822_sources_are_read(tmp_path: Path) -> None:
    mirror = find_mirror(apt(tmp_path, debian_sources=DEB822, vendor_list=FOREIGN))
    assert mirror.lines("trixie") == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb http://security.example/debian-security trixie-security main",
    ]


def test_one_line_sources_are_read(tmp_path: Path) -> None:
    text = "# deb http://off.example/debian bookworm main\ndeb [arch=amd64] http://m.example/debian trixie main # x\n"
    mirror = find_mirror(apt(tmp_path, plain=text))
    assert mirror.uri == "http://m.example/debian"
    assert mirror.security_uri is None


def test_a_disabled_stanza_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(NoMirrorError):
        find_mirror(apt(tmp_path, debian_sources="Enabled: no\n" + DEB822.split("\n\n")[0]))


def test_other_vendors_are_never_taken(tmp_path: Path) -> None:
    with pytest.raises(NoMirrorError, match="No Debian mirror is configured"):
        find_mirror(apt(tmp_path, vendor_list=FOREIGN))


def test_options_in_place_of_a_url_are_no_source(tmp_path: Path) -> None:
    with pytest.raises(NoMirrorError):
        find_mirror(apt(tmp_path, plain="deb --hook=debian bookworm main\n"))
