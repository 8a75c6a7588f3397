"""What a schedule would do: it is that what the scheduler then does, and what is wrong hides nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.db import pools, projects
from holdfast.db.database import Database, sqlite_url
from holdfast.model.errors import BadRequestError
from holdfast.model.profile import Project
from holdfast.model.storage import Pool
from holdfast.service.schedule_preview import ScheduleDraft, SchedulePreview, SchedulePreviewer
from support.schedules import START, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    database = Database(sqlite_url(tmp_path / "db"))
    database.migrate()
    with database.write() as connection:
        projects.insert(connection, Project(name="default", config={"snapshots.keep": "last=1"}))
        pools.insert(connection, Pool(name="p", driver="dir"))
    made = Stage(database)
    made.shelf.add("web", snapshots__schedule="0 * * * *")
    yield made
    database.close()


def preview(stage: Stage, *, is_volume: bool = False, **draft: Any) -> SchedulePreview:
    previewer = SchedulePreviewer(stage.retention, database=stage.database, clock=stage.clock, zone=lambda: stage.zone)
    wanted = ScheduleDraft(**draft)
    return previewer.preview(stage.shelf, stage.shelf.subject("web"), wanted, is_volume=is_volume)


def test_the_next_runs(stage: Stage) -> None:
    found = preview(stage, schedule="30 3 * * *", expiry="2w", pattern='{{ instance }}-{{ creation_date|date:"02" }}')
    first = datetime(2026, 3, 3, 3, 30, tzinfo=UTC)
    assert found.next_runs == [first + timedelta(days=number) for number in range(5)]
    assert found.name == f"web-{first.astimezone():%d}"
    assert found.expires_at == first + timedelta(weeks=2)
    assert set(found.errors.values()) == {""}
    assert len(preview(stage, schedule="@hourly", count=100).next_runs) == 100
    assert preview(stage, schedule="0 0 30 2 *").next_runs == [], "a day that never comes"
    assert preview(stage, schedule="@never").next_runs == preview(stage).next_runs == []


def test_runs_are_those_that_come(stage: Stage) -> None:
    """Aliases are spread over the day by what the instance is; the preview knows that."""
    stage.shelf.set("web", snapshots__schedule="@daily")
    (promised,) = preview(stage, schedule="@daily", count=1).next_runs
    stage.tick()
    stage.clock.moment = promised + timedelta(seconds=1)
    stage.tick()
    assert stage.shelf.taken == [("web", promised)]


def test_what_is_wrong_is_told_by_field(stage: Stage) -> None:
    found = preview(stage, schedule="61 * * * *", pattern="{% x %}", keep="daily=x", expiry="soon")
    assert all(found.errors.values())
    assert "end of range (61)" in found.errors["schedule"]
    assert (found.next_runs, found.name, found.expires_at) == ([], "snap0", None)
    only = preview(stage, schedule="0 4 * * *", expiry="soon")
    assert len(only.next_runs) == 5
    assert [field for field, error in only.errors.items() if error] == ["expiry"]
    assert preview(stage, schedule="@startup").errors["schedule"] == ""
    assert preview(stage, is_volume=True, schedule="@startup").errors["schedule"]
    with pytest.raises(BadRequestError):
        preview(stage, count=101)


def test_an_expiry_beyond_the_calendar_is_told_by_field(stage: Stage) -> None:
    found = preview(stage, schedule="@daily", expiry="99999y")
    assert "9999" in found.errors["expiry"] and found.expires_at is None and len(found.next_runs) == 5


def test_a_pattern_that_makes_no_name(stage: Stage) -> None:
    assert "volume" in preview(stage, pattern="{{ volume }}").errors["pattern"]
    assert preview(stage, pattern="a/b").errors["pattern"]


def test_what_would_be_kept(stage: Stage) -> None:
    stage.tick()
    for _ in range(3):
        stage.clock.move(hours=1)
        stage.tick()
    stage.shelf.set("web", snapshots__keep="")
    newest = max(each.created_at for each in stage.shelf.kept_of(stage.shelf.subject("web")))
    assert newest > START

    def kept(**draft: str) -> list[bool]:
        return [not fate.verdict.is_removed for fate in preview(stage, schedule="0 * * * *", **draft).fates]

    assert kept(keep="last=2") == [False, True, True]
    assert kept(keep="hourly=24") == [True, True, True]
    assert kept(keep="") == [False, False, True], "the project's rule"
    assert len(stage.shelf.kept_of(stage.shelf.subject("web"))) == 3, "nothing was removed"


def test_a_schedule_with_a_label(stage: Stage) -> None:
    stage.shelf.set("web", snapshots__schedules__nightly="0 3 * * *")
    found = preview(stage, label="nightly", schedule="0 4 * * *", keep="last=1")
    assert found.next_runs[0].hour == 4
