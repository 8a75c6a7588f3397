"""Operations: status flow, events, progress, cancelling, errors, keeping."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from holdfast.model.errors import BadRequestError, ConflictError, OperationNotFoundError, UnavailableError
from holdfast.model.kinds import OperationClass, StatusCode
from holdfast.model.operation import Event, Lifecycle, Operation, Requestor
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import KEPT_S, Operations

CALLER = Caller("default", Requestor(username="root", protocol="unix", address="@"))


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


class Scene:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.events = EventBus(self.clock)
        self.seen: list[Event] = []
        self.events.subscribe(self.seen.append)
        self.operations = Operations(self.events, workers=4, clock=self.clock)

    def statuses(self) -> list[StatusCode]:
        return [event.body.status for event in self.seen if isinstance(event.body, Operation)]

    def finish(self, work: object, *, may_cancel: bool = False) -> Operation:
        assert callable(work)
        started = self.operations.start(CALLER, "Testing", work, may_cancel=may_cancel)
        return self.operations.wait(started.id, 60)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.operations.drain(0)


def test_success_is_told_in_order(scene: Scene) -> None:
    final = scene.finish(lambda handle: handle.set_metadata(fingerprint="abc"))
    assert final.status is StatusCode.SUCCESS
    assert final.metadata == {"fingerprint": "abc"}
    running = StatusCode.RUNNING
    assert scene.statuses() == [StatusCode.PENDING, running, running, StatusCode.SUCCESS]


def test_answer_already_runs(scene: Scene) -> None:
    gate = threading.Event()
    started = scene.operations.start(CALLER, "Testing", lambda _: gate.wait(60) and None)
    assert started.status is StatusCode.RUNNING
    assert scene.operations.wait(started.id, 0).status is StatusCode.RUNNING
    gate.set()
    assert scene.operations.wait(started.id, 60).status is StatusCode.SUCCESS


def test_known_error_is_its_text(scene: Scene) -> None:
    def work(_: OperationHandle) -> None:
        raise ConflictError("Already there")

    final = scene.finish(work)
    assert (final.status, final.error, final.error_status) == (StatusCode.FAILURE, "Already there", 409)


def test_unexpected_error_is_logged_with_its_traceback(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def work(_: OperationHandle) -> None:
        raise ZeroDivisionError("by zero")

    with caplog.at_level(logging.ERROR):
        final = scene.finish(work)
    assert final.error == "Internal error: ZeroDivisionError: by zero"
    assert final.error_status == 500
    assert caplog.records[0].exc_info is not None


def test_cancel(scene: Scene) -> None:
    begun, called = threading.Event(), threading.Event()

    def work(handle: OperationHandle) -> None:
        handle.on_cancel(called.set)
        begun.set()
        assert called.wait(60)
        handle.check()

    started = scene.operations.start(CALLER, "Testing", work, may_cancel=True)
    assert begun.wait(60)
    scene.operations.cancel(CALLER, started.id)
    final = scene.operations.wait(started.id, 60)
    assert final.status is StatusCode.CANCELLED
    assert final.error == "The operation was cancelled"
    assert scene.statuses()[-2:] == [StatusCode.CANCELLING, StatusCode.CANCELLED]
    actions = [event.body.action for event in scene.seen if isinstance(event.body, Lifecycle)]
    assert actions == ["operation-cancelled"]


def test_cancel_refused(scene: Scene) -> None:
    gate = threading.Event()
    started = scene.operations.start(CALLER, "Testing", lambda _: gate.wait(60) and None)
    with pytest.raises(BadRequestError, match="This operation can't be cancelled"):
        scene.operations.cancel(CALLER, started.id)
    gate.set()
    scene.operations.wait(started.id, 60)
    with pytest.raises(BadRequestError, match="Only running operations can be cancelled"):
        scene.operations.cancel(CALLER, started.id)


def test_cancelled_before_a_worker_was_free_does_nothing(scene: Scene) -> None:
    gate, ran, given_back = threading.Event(), threading.Event(), threading.Event()
    for _ in range(4):
        scene.operations.start(CALLER, "Filling", lambda _: gate.wait(60) and None)
    queued = scene.operations.start(
        CALLER, "Waiting", lambda _: ran.set(), may_cancel=True, if_never_begun=given_back.set
    )
    scene.operations.cancel(CALLER, queued.id)
    gate.set()
    assert scene.operations.wait(queued.id, 60).status is StatusCode.CANCELLED
    assert not ran.is_set()
    assert given_back.is_set()


def test_progress_is_throttled_and_the_last_one_kept(scene: Scene) -> None:
    def work(handle: OperationHandle) -> None:
        for percent in range(101):
            handle.progress("fs_progress", f"{percent}%")

    final = scene.finish(work)
    assert final.metadata == {"fs_progress": "100%"}
    assert len(scene.statuses()) == 4  # pending, running, one line of progress, success


def test_when_done(scene: Scene) -> None:
    gate = threading.Event()
    started = scene.operations.start(CALLER, "Testing", lambda _: gate.wait(60) and None)
    heard: list[Operation] = []
    told = threading.Event()

    def hear(operation: Operation) -> None:
        heard.append(operation)
        told.set()

    scene.operations.when_done(started.id, hear)
    leave = scene.operations.when_done(started.id, lambda _: pytest.fail("left before"))
    leave()
    gate.set()
    assert told.wait(60)
    assert heard[0].status is StatusCode.SUCCESS
    scene.operations.when_done(started.id, heard.append)
    assert len(heard) == 2


def test_final_ones_are_kept_for_a_while(scene: Scene) -> None:
    final = scene.finish(lambda _: None)
    scene.clock.seconds += 5
    assert scene.operations.get(final.id).status is StatusCode.SUCCESS
    scene.clock.seconds += KEPT_S
    with pytest.raises(OperationNotFoundError):
        scene.operations.get(final.id)
    assert scene.operations.list(None) == []


def test_the_end_is_noted_before_who_waits_goes_on(scene: Scene) -> None:
    """How long it is kept counts from there: who moves the clock after the wait must find it noted."""
    noted: list[bool] = []

    def note(_: str) -> None:
        waiting.join(0.3)
        noted.append(waiting.is_alive())

    handle = OperationHandle(
        CALLER,
        "Testing",
        events=scene.events,
        clock=scene.clock,
        on_end=note,
        operation_class=OperationClass.TASK,
        resources=None,
        metadata=None,
        may_cancel=False,
    )
    waiting = threading.Thread(target=handle.wait, args=[60])
    waiting.start()
    handle.run()
    handle.succeed()
    waiting.join(60)
    assert (noted, waiting.is_alive()) == ([True], False)


def test_list_by_project(scene: Scene) -> None:
    for project in ("default", "p"):
        started = scene.operations.start(Caller(project), "Testing", lambda _: None)
        scene.operations.wait(started.id, 60)
    assert [operation.project for operation in scene.operations.list("p")] == ["p"]
    assert len(scene.operations.list(None)) == 2


def test_open_operation_of_another_owner(scene: Scene) -> None:
    handle = scene.operations.open(CALLER, "Executing command", operation_class=OperationClass.WEBSOCKET)
    assert handle.snapshot().status is StatusCode.PENDING
    handle.run()
    handle.set_metadata(**{"return": 3})
    handle.succeed()
    handle.fail("too late")
    final = scene.operations.wait(handle.id, 0)
    assert (final.status, final.metadata) == (StatusCode.SUCCESS, {"return": 3})


def test_token_ends_at_once_when_cancelled(scene: Scene) -> None:
    handle = scene.operations.open(CALLER, "Token", operation_class=OperationClass.TOKEN, may_cancel=True)
    handle.run()
    scene.operations.cancel(CALLER, handle.id)
    final = scene.operations.get(handle.id)
    assert (final.status, final.error) == (StatusCode.CANCELLED, "")


def test_drain_refuses_new_work_and_cancels_what_goes_on(scene: Scene) -> None:
    begun = threading.Event()

    def work(handle: OperationHandle) -> None:
        gate = threading.Event()
        handle.on_cancel(gate.set)
        begun.set()
        assert gate.wait(60)
        handle.check()

    started = scene.operations.start(CALLER, "Testing", work)
    assert begun.wait(60)
    scene.operations.drain(0)
    assert scene.operations.wait(started.id, 60).status is StatusCode.CANCELLED
    with pytest.raises(UnavailableError):
        scene.operations.start(CALLER, "Too late", lambda _: None)
