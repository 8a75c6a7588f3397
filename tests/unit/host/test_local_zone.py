"""The machine's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.host.local_zone import local_zone

ZONES = Path("/usr/share/zoneinfo")
SUMMER = datetime(2027, 7, 1, tzinfo=UTC)
WINTER = datetime(2027, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not ZONES.is_dir(), reason="needs tzdata (package tzdata)")


@pytest.mark.parametrize("environment", [{"TZ": "Europe/Berlin"}, {"TZ": f":{ZONES}/Europe/Berlin"}])
def test_tz_comes_first(environment: dict[str, str], tmp_path: Path) -> None:
    zone = local_zone(environment, tmp_path / "absent")
    assert [moment.astimezone(zone).utcoffset() for moment in (WINTER, SUMMER)] == [
        timedelta(hours=1),
        timedelta(hours=2),
    ]


def test_localtime_has_its_rules(tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to(ZONES / "America/New_York")
    zone = local_zone({}, tmp_path / "localtime")
    assert [moment.astimezone(zone).utcoffset() for moment in (WINTER, SUMMER)] == [
        timedelta(hours=-5),
        timedelta(hours=-4),
    ]
    assert str(zone) == "America/New_York"


@pytest.mark.parametrize("environment", [{}, {"TZ": "No/Where"}, {"TZ": ":/absent"}, {"TZ": "../../etc/passwd"}])
def test_utc_where_nothing_fits(environment: dict[str, str], tmp_path: Path) -> None:
    assert local_zone(environment, tmp_path / "absent") is UTC


def test_a_file_that_is_no_zone(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_text("nonsense")
    assert local_zone({}, tmp_path / "localtime") is UTC
