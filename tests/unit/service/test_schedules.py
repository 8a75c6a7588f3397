"""The scheduler on a given clock, over a real database: what is due, what is late, what fails, what goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from holdfast.db import instances as instances_table
from holdfast.db import pools as pools_table
from holdfast.db import projects as projects_table
from holdfast.db import schedule_runs
from holdfast.db.database import Database, sqlite_url
from holdfast.model.errors import InstanceNotFoundError, ProfileNotFoundError
from holdfast.model.profile import Project
from holdfast.model.storage import Pool
from holdfast.model.warning import SCHEDULE_FAILED
from holdfast.service.schedules import WORKERS
from support.schedules import START, Stage, broken

MINUTELY = "* * * * *"
WARNING = ("default", SCHEDULE_FAILED, "/1.0/instances/c1")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(sqlite_url(tmp_path / "db"))
    found.migrate()
    with found.write() as connection:
        projects_table.insert(connection, Project(name="default", description="", config={}))
        pools_table.insert(connection, Pool(name="p", driver="dir", description="", config={}))
    yield found
    found.close()


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def dues(stage: Stage) -> list[datetime]:
    return [due_at for _, due_at in stage.shelf.taken]


# --- what is due ------------------------------------------------------------------------------------------------------


def test_a_new_schedule_counts_from_now(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 * * * *")
    assert stage.tick() == 0
    stage.minutes(59)
    assert stage.shelf.taken == []
    stage.minutes(1)
    assert dues(stage) == [at(11)]
    run = stage.run("c1")
    assert (run.last_due_at, run.failures, run.error) == (at(11), 0, "")
    assert run.last_run_at == run.last_success_at == stage.clock.now()
    stage.minutes(30)
    assert len(stage.shelf.taken) == 1


def test_a_schedule_set_just_before_its_time_is_not_missed(stage: Stage) -> None:
    stage.tick()
    stage.shelf.add("c1", snapshots__schedule="1 10 * * *")
    stage.minutes(1)
    stage.shelf.set("c1", snapshots__schedule="2 10 * * *")
    stage.minutes(1)
    assert dues(stage) == [at(10, 1), at(10, 2)]


def test_another_rule_counts_from_when_it_is_seen(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 11 * * *")
    stage.tick()
    stage.clock.move(hours=3)
    stage.shelf.set("c1", snapshots__schedule="0 12 * * *")
    assert stage.tick() == 0
    stage.clock.move(days=1)
    stage.tick()
    assert dues(stage) == [at(12, day=3)]


def test_a_schedule_that_is_gone_is_forgotten(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule=MINUTELY)
    stage.tick()
    stage.shelf.set("c1", snapshots__schedule="")
    stage.tick()
    with stage.database.read() as connection:
        assert schedule_runs.list_all(connection, stage.shelf.owners) == {}


def test_several_schedules_have_their_own_labels_and_expiries(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 * * * *", snapshots__expiry="2H")
    stage.shelf.set("c1", **{"snapshots.schedules.often": "*/30 * * * *", "snapshots.schedules.often.expiry": "30M"})
    stage.tick()
    stage.minutes(60)
    kept = stage.shelf.kept_of(stage.shelf.subject("c1"))
    assert sorted((each.schedule, each.expires_at) for each in kept if each.expires_at) == [
        ("default", at(13) + timedelta(seconds=30)),
        ("often", at(11, 30) + timedelta(seconds=30)),
    ]
    assert len(stage.shelf.taken) == 3


def test_stopped_subjects_are_passed_over_and_not_made_up_for(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 * * * *")
    stage.tick()
    stage.shelf.stopped.add("c1")
    stage.minutes(61)
    assert stage.shelf.taken == []
    stage.shelf.stopped.clear()
    stage.minutes(10)
    assert stage.shelf.taken == []
    stage.minutes(50)
    assert dues(stage) == [at(12)]


# --- restarts, pauses, clocks -----------------------------------------------------------------------------------------


def test_threat_a_missed_minute_is_made_up_for_once(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 * * * *")
    stage.tick()
    stage.clock.move(hours=5, minutes=17)
    stage.restart()
    stage.tick()
    assert dues(stage) == [at(15)]
    assert "was due at 2026-03-02T15:00:00+00:00: it runs late" in caplog.text
    (only,) = stage.shelf.kept_of(stage.shelf.subject("c1"))
    assert only.created_at == stage.clock.now()
    stage.restart()
    stage.tick()
    stage.minutes(30)
    assert dues(stage) == [at(15)]
    stage.minutes(20)
    assert dues(stage) == [at(15), at(16)]


def test_a_run_in_time_is_not_called_late(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.shelf.add("c1", snapshots__schedule=MINUTELY)
    stage.tick()
    stage.minutes(3)
    assert len(stage.shelf.taken) == 3
    assert "late" not in caplog.text


def test_a_clock_set_forward_makes_one_late_run(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 3 * * *")
    stage.tick()
    stage.clock.move(days=30)
    stage.tick()
    stage.minutes(5)
    assert dues(stage) == [datetime(2026, 4, 1, 3, tzinfo=UTC)]


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(hours=2)])
def test_a_clock_set_back_does_not_double_a_daily_run(stage: Stage, back: timedelta) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 11 * * *")
    stage.tick()
    stage.clock.moment = at(11, 1)
    stage.tick()
    assert dues(stage) == [at(11)]
    stage.clock.moment -= back
    stage.tick()
    stage.minutes(180)
    assert dues(stage) == [at(11)]
    stage.clock.moment = at(11, 1, day=3)
    stage.tick()
    assert dues(stage) == [at(11), at(11, day=3)]


def test_a_clock_set_back_by_years_blocks_nothing(stage: Stage) -> None:
    stage.clock.moment = datetime(2030, 1, 1, tzinfo=UTC)
    stage.shelf.add("c1", snapshots__schedule=MINUTELY)
    stage.tick()
    stage.minutes(2)
    stage.clock.moment = START
    stage.tick()
    stage.minutes(3)
    assert dues(stage)[2:] == [at(10, 1), at(10, 2), at(10, 3)]


def test_a_failed_run_is_retried_though_the_clock_was_set_back(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 11 * * *")
    stage.tick()
    stage.shelf.broken["c1"] = broken()
    stage.clock.moment = at(11, 0)
    stage.tick()
    stage.shelf.broken.clear()
    stage.clock.moment = at(8)
    stage.tick()
    assert dues(stage) == [at(11)]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_through_a_year_every_day_has_one_run(database: Database, zone: str) -> None:
    local = ZoneInfo(zone)
    stage = Stage(database, zone=local)
    stage.clock.moment = datetime(2026, 1, 1, tzinfo=local).astimezone(UTC)
    stage.shelf.add("c1", snapshots__schedule="30 2 * * *", snapshots__expiry="3d")
    stage.tick()
    while stage.clock.moment < datetime(2027, 1, 1, tzinfo=local):
        stage.clock.move(hours=3, minutes=1)
        stage.tick()
    days = [due_at.astimezone(local).date() for due_at in dues(stage)]
    assert len(days) == len(set(days)) == 365
    assert 3 <= len(stage.names("c1")) <= 4


# --- many -------------------------------------------------------------------------------------------------------------


def test_a_thousand_due_at_once_run_a_bounded_number_at_a_time(stage: Stage) -> None:
    for number in range(1000):
        stage.shelf.add(f"c{number}", snapshots__schedule="0 * * * *")
    stage.tick()
    stage.clock.move(hours=1)
    assert stage.tick() == 1000
    assert len({name for name, _ in stage.shelf.taken}) == len(stage.shelf.taken) == 1000
    assert 1 < stage.shelf.busiest <= WORKERS
    assert stage.tick() == 0


def test_a_tick_leaves_alone_what_an_earlier_one_still_works_on(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule=MINUTELY)
    stage.shelf.add("c2", snapshots__schedule="2 10 * * *")
    stage.tick()
    stage.shelf.gate = threading.Event()
    stage.clock.move(minutes=1)
    (slow,) = stage.scheduler.tick()
    stage.clock.move(minutes=1)
    (other,) = stage.scheduler.tick()
    stage.shelf.gate.set()
    slow.result(120)
    other.result(120)
    assert stage.shelf.taken.count(("c1", at(10, 1))) == 1
    assert ("c2", at(10, 2)) in stage.shelf.taken
    stage.tick()
    assert ("c1", at(10, 2)) in stage.shelf.taken


def test_what_ends_while_a_tick_reads_is_not_done_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tick has read by then doesn't tell of the run that has just ended."""
    stage.shelf.add("c1", snapshots__schedule="0 11 * * *")
    stage.tick()
    stage.shelf.gate = threading.Event()
    stage.clock.move(hours=1)
    (slow,) = stage.scheduler.tick()
    stage.clock.move(minutes=1)
    gate, subjects = stage.shelf.gate, stage.shelf.subjects

    def late(project: str | None) -> object:
        gate.set()
        slow.result(120)
        return subjects(project)

    monkeypatch.setattr(stage.shelf, "subjects", late)
    stage.tick()
    assert dues(stage) == [at(11)]
    monkeypatch.setattr(stage.shelf, "subjects", subjects)
    stage.minutes(3)
    assert dues(stage) == [at(11)]


def test_ticks_do_not_overlap(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on, seen = threading.Event(), threading.Event(), []
    subjects = stage.shelf.subjects

    def slow(project: str | None) -> object:
        inside.set()
        assert go_on.wait(120)
        return subjects(project)

    monkeypatch.setattr(stage.shelf, "subjects", slow)
    thread = threading.Thread(target=lambda: seen.append(stage.scheduler.tick()))
    thread.start()
    assert inside.wait(120)
    assert stage.scheduler.tick() == []
    go_on.set()
    thread.join(120)
    assert seen == [[]]


# --- failing ----------------------------------------------------------------------------------------------------------


def test_a_failing_run_is_retried_with_growing_distance_and_warns(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 11 * * *")
    stage.tick()
    stage.shelf.broken["c1"] = broken()
    stage.clock.moment = at(11)
    attempts = []
    for _ in range(200):
        before = stage.warned.told
        stage.tick()
        if stage.warned.told > before:
            attempts.append(int((stage.clock.now() - at(11)).total_seconds()) // 60)
        stage.clock.move(minutes=1)
    assert attempts == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    run = stage.run("c1")
    assert (run.failures, run.error, run.last_success_at) == (9, "the disk is on fire", None)
    assert "the disk is on fire (failed 9 times; last success: never)" in stage.warned.now[WARNING]
    stage.restart()
    stage.shelf.broken.clear()
    stage.minutes(60)
    assert dues(stage) == [at(11)]
    assert stage.warned.now == {}
    assert stage.run("c1").failures == 0


def test_a_failing_schedule_runs_at_its_next_time_too(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule=MINUTELY)
    stage.tick()
    stage.shelf.broken["c1"] = broken()
    stage.minutes(10)
    assert stage.run("c1").failures == 10


def test_one_failing_does_not_keep_the_others(stage: Stage) -> None:
    for name in ("c1", "c2", "c3"):
        stage.shelf.add(name, snapshots__schedule=MINUTELY)
    stage.tick()
    stage.shelf.broken["c2"] = ZeroDivisionError("a fault of the program")
    stage.minutes(1)
    assert sorted(name for name, _ in stage.shelf.taken) == ["c1", "c3"]
    assert stage.run("c2").error == "Internal error: ZeroDivisionError: a fault of the program"


def test_the_warning_stays_while_any_schedule_of_it_fails(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 * * * *")
    stage.shelf.set("c1", **{"snapshots.schedules.often": MINUTELY})
    stage.tick()
    stage.shelf.broken["c1"] = broken()
    stage.clock.moment = at(11)
    stage.tick()
    assert stage.run("c1").failures == stage.run("c1", "often").failures == 1
    subject = stage.shelf.subject("c1")
    stage.shelf.broken.clear()
    often = next(each for each in _schedules(stage) if each.label == "often")
    stage.scheduler.run(stage.shelf, subject, often, at(11, 1))
    assert WARNING in stage.warned.now
    stage.minutes(1)
    assert stage.warned.now == {}


def _schedules(stage: Stage):
    from holdfast.model.schedules import schedules_of

    return schedules_of(stage.shelf.subject("c1").config)


def test_a_rule_that_can_not_be_read_keeps_no_other_waiting(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule=MINUTELY, snapshots__keep="nonsense")
    stage.shelf.add("c2", snapshots__schedule=MINUTELY)
    stage.tick()
    stage.minutes(2)
    assert [name for name, _ in stage.shelf.taken] == ["c2", "c2"]
    assert 'Invalid rule "nonsense"' in stage.warned.now[WARNING]
    stage.shelf.set("c1", snapshots__keep="")
    stage.minutes(2)
    assert stage.shelf.taken.count(("c1", at(10, 4))) == 1
    assert stage.warned.now == {}


def test_the_warning_goes_with_the_schedule(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule=MINUTELY)
    stage.tick()
    stage.shelf.broken["c1"] = broken()
    stage.minutes(1)
    assert WARNING in stage.warned.now
    stage.shelf.set("c1", snapshots__schedule="")
    stage.minutes(1)
    assert stage.warned.now == {}


def test_what_has_gone_meanwhile_is_no_failure(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule=MINUTELY)
    stage.tick()
    stage.shelf.gate = threading.Event()
    stage.shelf.broken["c1"] = InstanceNotFoundError("c1")
    stage.clock.move(minutes=1)
    (future,) = stage.scheduler.tick()
    with stage.database.write() as connection:
        instances_table.delete(connection, "default", "c1")
    stage.shelf.gate.set()
    future.result(120)
    assert stage.warned.told == 0


def test_a_profile_that_has_gone_is_a_failure(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule=MINUTELY)
    stage.tick()
    stage.shelf.broken["c1"] = ProfileNotFoundError("p1")
    stage.minutes(1)
    assert stage.run("c1").failures == 1


# --- what goes --------------------------------------------------------------------------------------------------------


def test_expired_ones_go_with_the_tick(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="0 * * * *", snapshots__expiry="90M")
    stage.tick()
    for hour, left in ((11, 1), (12, 2), (13, 2), (14, 2)):
        stage.clock.moment = at(hour)
        stage.tick()
        assert len(stage.names("c1")) == left
    stage.shelf.set("c1", snapshots__schedule="")
    stage.clock.move(days=2)
    stage.tick()
    assert stage.names("c1") == []


def test_rules_to_keep_are_applied_to_each_label(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule=MINUTELY, snapshots__keep="last=3")
    stage.shelf.set("c1", **{"snapshots.schedules.five": "*/5 * * * *", "snapshots.schedules.five.keep": "last=2"})
    stage.tick()
    stage.minutes(30)
    labels = [each.schedule for each in stage.shelf.kept_of(stage.shelf.subject("c1"))]
    assert (labels.count("default"), labels.count("five")) == (3, 2)


def test_threat_failing_for_weeks_does_not_expire_the_last_good_one(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="@daily", snapshots__expiry="7d")
    stage.tick()
    for _ in range(10):
        stage.clock.move(days=1)
        stage.tick()
    last_good = stage.names("c1")[-1]
    stage.shelf.broken["c1"] = broken()
    for _ in range(60):
        stage.clock.move(days=1)
        stage.tick()
    assert stage.names("c1") == [last_good]
    assert WARNING in stage.warned.now, "the warning stays as long as it fails"
    stage.shelf.broken.clear()
    stage.clock.move(days=1)
    stage.tick()
    assert last_good not in stage.names("c1")
    assert len(stage.names("c1")) == 1
    assert stage.warned.now == {}


def test_a_long_pause_makes_the_late_run_before_anything_goes(stage: Stage) -> None:
    stage.shelf.add("c1", snapshots__schedule="@daily", snapshots__expiry="7d")
    stage.tick()
    stage.clock.move(days=1)
    stage.tick()
    stage.clock.move(days=30)
    stage.restart()
    stage.shelf.broken["c1"] = broken()
    stage.tick()
    assert len(stage.names("c1")) == 1, "its run failed, so what there was is the newest good one"
