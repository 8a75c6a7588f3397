"""The form of schedules."""

from __future__ import annotations

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.schedule import VOLUME_ALIASES, check_schedule


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "@hourly",
        "@Daily",
        "@never",
        "@startup",
        "@hourly, @weekly",
        "* * * * *",
        "0 6 * * *, 30 18 * * 1-5",
        "*/15 0-23/2 1,15 jan-mar sun",
        "0 0 ? * MON-FRI",
        "@daily, 5 4 * * 6",
    ],
)
def test_valid(schedule: str) -> None:
    check_schedule(schedule)


FORM = "^Schedule must be of the form: <minute> <hour> <day-of-month> <month> <day-of-week>, or one of @hourly "


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("bogus", FORM),
        ("@every", FORM),
        ("@reboot", FORM),
        ("* * * * * *", FORM),
        ("@daily,@hourly", FORM),
        ("TZ=UTC * * * * *", FORM),
        ("@daily, 99 * * * *", r"^Error parsing schedule: end of range \(99\) above maximum \(59\): 99$"),
        ("60 * * * *", r"^Error parsing schedule: end of range \(60\) above maximum \(59\): 60$"),
        ("* * * * 7", r"^Error parsing schedule: end of range \(7\) above maximum \(6\): 7$"),
        ("* * 0 * *", r"beginning of range \(0\) below minimum \(1\): 0$"),
        ("5-1 * * * *", r"beginning of range \(5\) beyond end of range \(1\): 5-1$"),
        ("*/0 * * * *", "step of range should be a positive number"),
        ("1/2/3 * * * *", "too many slashes"),
        ("1-2-3 * * * *", "too many hyphens"),
        ("x * * * *", "failed to parse"),
        ("* * L * *", "failed to parse"),
        ("* * * * 1#2", "failed to parse"),
        ("-1 * * * *", "failed to parse"),
    ],
)
def test_refused(schedule: str, text: str) -> None:
    with pytest.raises(BadRequestError, match=text):
        check_schedule(schedule)


def test_volumes_know_fewer_aliases() -> None:
    check_schedule("@midnight", VOLUME_ALIASES)
    for alias in ("@startup", "@never"):
        with pytest.raises(BadRequestError, match=FORM):
            check_schedule(alias, VOLUME_ALIASES)
