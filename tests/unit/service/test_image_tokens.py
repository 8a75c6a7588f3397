"""Secrets of images: what each is good for, and for how long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.model.image import Image
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Operation
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.image_add import ImageRequest
from holdfast.service.image_tokens import UNUSED_S, USED_S, ImageTokens
from holdfast.service.operations import Operations
from support.schedules import HandClock

CALLER = Caller()
FINGERPRINT = "ab" * 32


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def operations() -> Iterator[Operations]:
    made = Operations(EventBus(), workers=1)
    yield made
    made.drain(1)


@pytest.fixture
def tokens(operations: Operations, clock: HandClock) -> ImageTokens:
    return ImageTokens(operations, EventBus(), clock)


def download(tokens: ImageTokens, clock: HandClock) -> Operation:
    image = Image(project="default", fingerprint=FINGERPRINT, filename="", size_bytes=1, uploaded_at=clock.now())
    return tokens.grant_download(CALLER, image)


def secret_of(operation: Operation) -> str:
    return str((operation.metadata or {})["secret"])


def test_a_secret_opens_its_image_for_a_while(tokens: ImageTokens, operations: Operations, clock: HandClock) -> None:
    granted = download(tokens, clock)
    secret = secret_of(granted)
    assert len(secret) == 64
    assert tokens.downloadable("default", FINGERPRINT, secret) == FINGERPRINT
    assert operations.get(granted.id).status is StatusCode.CANCELLED, "it is seen to be used"
    clock.move(seconds=USED_S - 1)
    assert tokens.downloadable("default", FINGERPRINT[:12], secret) == FINGERPRINT
    clock.move(seconds=2)
    assert tokens.downloadable("default", FINGERPRINT, secret) is None


def test_threat_a_secret_of_an_image_opens_nothing_else(tokens: ImageTokens, clock: HandClock) -> None:
    secret = secret_of(download(tokens, clock))
    assert tokens.downloadable("default", "cd" * 32, secret) is None
    assert tokens.downloadable("default", "", secret) is None
    assert tokens.downloadable("other", FINGERPRINT, secret) is None
    assert tokens.downloadable("default", FINGERPRINT, secret[:-1]) is None
    assert tokens.downloadable("default", FINGERPRINT, "") is None
    assert tokens.downloadable("default", FINGERPRINT, "ä") is None
    assert tokens.take_upload("default", FINGERPRINT, secret) is None, "nor lets it anything in"
    expected = tokens.grant_upload(CALLER, FINGERPRINT, ImageRequest(), {})
    assert tokens.downloadable("default", FINGERPRINT, secret_of(expected)) is None, "nor the other way round"
    assert tokens.downloadable("default", FINGERPRINT, secret) == FINGERPRINT


def test_threat_an_image_is_brought_once(tokens: ImageTokens, operations: Operations) -> None:
    wanted = ImageRequest(public=True, aliases=(("mine", ""),))
    granted = tokens.grant_upload(CALLER, FINGERPRINT, wanted, {"public": True})
    secret = secret_of(granted)
    assert tokens.take_upload("default", "cd" * 32, secret) is None
    assert tokens.take_upload("other", FINGERPRINT, secret) is None
    assert tokens.take_upload("default", FINGERPRINT, secret) == wanted
    assert tokens.take_upload("default", FINGERPRINT, secret) is None
    assert operations.get(granted.id).status is StatusCode.CANCELLED


def test_a_cancelled_operation_takes_its_secret_back(
    tokens: ImageTokens, operations: Operations, clock: HandClock
) -> None:
    granted, expected = download(tokens, clock), tokens.grant_upload(CALLER, FINGERPRINT, ImageRequest(), {})
    for each in (granted, expected):
        operations.cancel(CALLER, each.id)
    assert tokens.downloadable("default", FINGERPRINT, secret_of(granted)) is None
    assert tokens.take_upload("default", FINGERPRINT, secret_of(expected)) is None


def test_a_secret_that_nobody_uses_ends(tokens: ImageTokens, operations: Operations, clock: HandClock) -> None:
    granted, expected = download(tokens, clock), tokens.grant_upload(CALLER, FINGERPRINT, ImageRequest(), {})
    clock.move(seconds=UNUSED_S + 1)
    assert tokens.downloadable("default", FINGERPRINT, secret_of(granted)) is None
    assert tokens.take_upload("default", FINGERPRINT, secret_of(expected)) is None
    download(tokens, clock)
    assert operations.get(granted.id).status is StatusCode.CANCELLED, "the next one clears up"
