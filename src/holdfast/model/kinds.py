"""Closed sets that several parts share, with LXD's spelling as value."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final

DEFAULT_PROJECT: Final = "default"


class InstanceType(StrEnum):
    CONTAINER = "container"
    VIRTUAL_MACHINE = "virtual-machine"


class VolumeType(StrEnum):
    CONTAINER = "container"
    VIRTUAL_MACHINE = "virtual-machine"
    CUSTOM = "custom"
    IMAGE = "image"


class ContentType(StrEnum):
    FILESYSTEM = "filesystem"
    BLOCK = "block"
    ISO = "iso"


class StatusCode(IntEnum):
    """LXD's status codes, for operations and instances alike; >= 200 is final."""

    OPERATION_CREATED = 100
    STARTED = 101
    STOPPED = 102
    RUNNING = 103
    CANCELLING = 104
    PENDING = 105
    STARTING = 106
    STOPPING = 107
    ABORTING = 108
    FREEZING = 109
    FROZEN = 110
    THAWED = 111
    ERROR = 112
    READY = 113
    SUCCESS = 200
    FAILURE = 400
    CANCELLED = 401

    @property
    def text(self) -> str:
        """LXD's word: "Running", "Operation created", ..."""
        return self.name.replace("_", " ").capitalize()


class OperationClass(StrEnum):
    TASK = "task"
    WEBSOCKET = "websocket"
    TOKEN = "token"


class Compression(StrEnum):
    """The closed set of compressors; a request's level is parsed apart (`streams.compression.parse`)."""

    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    LZMA = "lzma"
    XZ = "xz"
    ZSTD = "zstd"


class ScheduleStatus(StrEnum):
    """How a schedule stands."""

    OK = "ok"
    WAITING = "waiting"
    """For its first run."""
    FAILING = "failing"
    STOPPED = "stopped"
    """As its instance is."""
    NEVER = "never"
