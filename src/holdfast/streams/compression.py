"""Compression of exports and images: a closed set with a level from our own parser, found again by magic bytes.

Nothing here ever becomes a command line. Readers raise `ArchiveError` on rubbish and on a stream that ends early, and
stop at a limit of bytes, so that a small file can't fill a disk.
"""

from __future__ import annotations

import bz2
import io
import lzma
import os
import re
import zlib
from dataclasses import dataclass
from typing import Final, Protocol, cast

import zstandard
from isal import igzip_lib, isal_zlib

from holdfast.model.errors import ArchiveError, BadRequestError
from holdfast.model.kinds import Compression
from holdfast.streams.copy import BUFFER_BYTES, Sink, write_all
from holdfast.streams.headed import Readable, read_into
from holdfast.streams.seal import Seal
from holdfast.streams.zstd_frames import FrameWalker

MAGIC_BYTES: Final = 512
"""How much of a file's beginning `detect` wants to see."""

_INPUT_BYTES: Final = 256 * 1024
_LZMA_MEMORY_BYTES: Final = 512 * 1024 * 1024
_ZSTD_WINDOW_BYTES: Final = 128 * 1024 * 1024
"""The largest window that `zstd` itself accepts without being told otherwise."""
_ENCRYPTED: Final = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")
_MOST_THREADS: Final = 4
_ZSTD_JOB_BYTES: Final = 1024 * 1024
"""Larger pieces would take 200 MiB of memory and compress half a percent better."""
_ZSTD_FAST_LEVEL: Final = 3
"""Up to it pieces stand for themselves: to begin with what was before (zstd's overlap) is a tenth of the work."""
_ZSTD_PIECE_BYTES: Final = 2 * 1024 * 1024
_ZSTD_NO_OVERLAP: Final = 1
_ZSTD_ITS_OVERLAP: Final = -1
"""What zstd takes for the level."""

_ZSTD_LEVEL: Final = 2
"""Half the work of zstd's own 3; files are 11 % larger with a Debian system alone, 1 to 4 % with large files."""

_GZIP_ERROR: Final = cast("type[Exception]", igzip_lib.error)

_SPELLINGS: Final = {
    "none": Compression.NONE,
    "gzip": Compression.GZIP,
    "pigz": Compression.GZIP,
    "bzip2": Compression.BZIP2,
    "lzma": Compression.LZMA,
    "xz": Compression.XZ,
    "zstd": Compression.ZSTD,
    "pzstd": Compression.ZSTD,
}
_LEVELS: Final = {
    Compression.NONE: range(0),
    Compression.GZIP: range(1, 10),
    Compression.BZIP2: range(1, 10),
    Compression.LZMA: range(10),
    Compression.XZ: range(10),
    Compression.ZSTD: range(1, 20),
}
_REQUEST: Final = re.compile(r"([a-z0-9]+?)(?:(?: +-|-| +)([0-9]{1,2}))?")
_EXTENSIONS: Final = {
    Compression.NONE: ".tar",
    Compression.GZIP: ".tar.gz",
    Compression.BZIP2: ".tar.bz2",
    Compression.LZMA: ".tar.lzma",
    Compression.XZ: ".tar.xz",
    Compression.ZSTD: ".tar.zst",
}


class UnsupportedCompressionError(ArchiveError):
    """A file whose beginning is no known format; LXD answers 500 for it."""

    status = 500

    def __init__(self) -> None:
        super().__init__(
            "Unsupported compression: this is no tar archive, plain or compressed by gzip, bzip2, xz, lzma or zstd"
        )


class EncryptedArchiveError(ArchiveError):
    """A file that only its owner's key opens, which no server has."""

    def __init__(self) -> None:
        super().__init__(
            "The file is encrypted with age: import it with `holdfast import --identity FILE`, or decrypt it before"
        )


@dataclass(frozen=True, slots=True)
class CompressionChoice:
    """What to compress with; level None is our default for that kind."""

    kind: Compression
    level: int | None = None

    @property
    def extension(self) -> str:
        """The usual end of a file name, ".tar.gz"."""
        return _EXTENSIONS[self.kind]


def parse(text: str) -> CompressionChoice:
    """Read a request such as "gzip", "gzip -9", "zstd-9" or "none"; anything else is LXD's 400."""
    if text.split(" ")[0] == "squashfs":
        raise BadRequestError('Invalid compression algorithm "squashfs": It is for images only, use gzip, zstd or xz')
    match = _REQUEST.fullmatch(text)
    kind = _SPELLINGS.get(match[1]) if match else None
    if match is None or kind is None:
        raise BadRequestError(f'Invalid compression algorithm "{text}"')
    if match[2] is None:
        return CompressionChoice(kind)
    level = int(match[2])
    if level not in _LEVELS[kind]:
        raise BadRequestError(f'Invalid compression algorithm "{text}"')
    return CompressionChoice(kind, level)


def detect(head: bytes) -> Compression:
    """Tell a tar file's compression by its first `MAGIC_BYTES`, never by its name."""
    if head.startswith(b"\x1f\x8b"):
        return Compression.GZIP
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return Compression.ZSTD
    if head.startswith(b"\xfd7zXZ"):
        return Compression.XZ
    if head.startswith(b"BZ"):
        return Compression.BZIP2
    if head.startswith(b"\x5d\x00\x00") or head[1:5] == b"7zXZ":
        return Compression.LZMA
    if head[257:262] == b"ustar":
        return Compression.NONE
    if head.startswith(_ENCRYPTED):
        raise EncryptedArchiveError
    raise UnsupportedCompressionError


class _Encoder(Protocol):
    def compress(self, data: memoryview | bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _Decoder(Protocol):
    """The shape that bz2, lzma and igzip decompressors share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class CompressedWriter:
    """Compresses what is written into `raw`, which stays open. Only a finished stream is a whole one.

    A sealed one ends with a check sum of the compressed bytes, where the format has a place for it.
    """

    def __init__(self, raw: Sink, choice: CompressionChoice, *, is_sealed: bool = True) -> None:
        self._raw = raw
        self._encoder = _encoder(choice)
        self._seal = Seal(choice.kind) if is_sealed else None
        self.written_bytes = 0

    def write(self, data: memoryview | bytes) -> int:
        """Take all of the data; write errors such as a full disk come out as `OSError`."""
        if self._encoder is None:
            write_all(self._raw, data)
            self.written_bytes += len(data)
        else:
            self._emit(self._encoder.compress(data))
        return len(data)

    def finish(self) -> None:
        """Write the end of the stream; nothing may be written after it."""
        if self._encoder is not None:
            self._emit(self._encoder.flush())
        if self._seal is not None:
            self._emit(self._seal.encode())

    def _emit(self, data: bytes) -> None:
        if data:
            if self._seal is not None:
                self._seal.update(data)
            write_all(self._raw, data)
            self.written_bytes += len(data)


def _encoder(choice: CompressionChoice) -> _Encoder | None:
    level = choice.level
    match choice.kind:
        case Compression.NONE:
            return None
        case Compression.GZIP:
            return _gzip_encoder(level)
        case Compression.BZIP2:
            return bz2.BZ2Compressor(level or 9)
        case Compression.XZ:
            return lzma.LZMACompressor(preset=6 if level is None else level)
        case Compression.LZMA:
            return lzma.LZMACompressor(format=lzma.FORMAT_ALONE, preset=6 if level is None else level)
        case Compression.ZSTD:
            return _zstd_encoder(level or _ZSTD_LEVEL)


def _zstd_encoder(level: int) -> _Encoder:
    is_fast = level <= _ZSTD_FAST_LEVEL
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level,
        threads=min(_MOST_THREADS, os.cpu_count() or 1),
        write_checksum=True,
        job_size=_ZSTD_PIECE_BYTES if is_fast else _ZSTD_JOB_BYTES,
        overlap_log=_ZSTD_NO_OVERLAP if is_fast else _ZSTD_ITS_OVERLAP,
    )
    return zstandard.ZstdCompressor(compression_params=parameters).compressobj()


def _gzip_encoder(level: int | None) -> _Encoder:
    """Take igzip up to level 3, which is its best; who asks for more gets zlib's ratio at zlib's pace."""
    if level is None or level <= 3:
        return isal_zlib.compressobj(level or 1, isal_zlib.DEFLATED, 31)
    return zlib.compressobj(level, zlib.DEFLATED, 31)


class DecompressedReader(io.RawIOBase):
    """The plain bytes of a compressed file. Raises `ArchiveError` on rubbish, early end and more than `limit_bytes`."""

    def __init__(self, raw: Readable, kind: Compression, limit_bytes: int | None = None) -> None:
        super().__init__()
        self._limit_bytes = limit_bytes
        self._read_bytes = 0
        self._inner = _source(raw, kind)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill the buffer from the start; 0 only at the proven end of the stream."""
        try:
            count = self._inner.readinto(memoryview(buffer).cast("B"))
        except (_GZIP_ERROR, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise ArchiveError(f"The file is damaged: {error}") from error
        self._read_bytes += count
        if self._limit_bytes is not None and self._read_bytes > self._limit_bytes:
            raise ArchiveError(f"The file unpacks to more than the {self._limit_bytes} bytes there is room for")
        return count


class _Inner(Protocol):
    def readinto(self, buffer: memoryview, /) -> int: ...


def _source(raw: Readable, kind: Compression) -> _Inner:
    match kind:
        case Compression.NONE:
            return _Plain(raw)
        case Compression.ZSTD:
            return _ZstdSource(raw)
        case _:
            return _DecoderSource(raw, kind)


class _Plain:
    def __init__(self, raw: Readable) -> None:
        self._raw = raw

    def readinto(self, buffer: memoryview) -> int:
        return read_into(self._raw, buffer)


class _DecoderSource:
    """Streams of one or more members, as `cat a.gz b.gz` makes them; zero bytes may pad the end."""

    def __init__(self, raw: Readable, kind: Compression) -> None:
        self._raw, self._kind = raw, kind
        self._decoder: _Decoder = _decoder(kind)
        self._ended = False

    def readinto(self, buffer: memoryview) -> int:
        while not self._ended:
            data = self._raw.read(_INPUT_BYTES) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not data:
                raise EOFError("it ends in the middle of the compressed data")
            plain = self._decoder.decompress(data, min(len(buffer), BUFFER_BYTES))
            if self._decoder.eof:
                self._next_member()
            if plain:
                buffer[: len(plain)] = plain
                return len(plain)
        return 0

    def _next_member(self) -> None:
        rest = self._decoder.unused_data or self._raw.read(_INPUT_BYTES)
        if self._kind is not Compression.LZMA:
            while rest and not rest.strip(b"\0"):
                rest = self._raw.read(_INPUT_BYTES)
        if not rest:
            self._ended = True
            return
        self._decoder = _Primed(_decoder(self._kind), rest)


class _Primed:
    """A decoder that already holds the first bytes of its member."""

    def __init__(self, decoder: _Decoder, first: bytes) -> None:
        self._decoder, self._first = decoder, first

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return not self._first and self._decoder.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        first, self._first = self._first, b""
        return self._decoder.decompress(first + data, max_length)


def _decoder(kind: Compression) -> _Decoder:
    if kind is Compression.GZIP:
        return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    if kind is Compression.BZIP2:
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY_BYTES)


class _Watched:
    """Shows the compressed bytes to a frame walker on their way into the decompressor."""

    def __init__(self, raw: Readable) -> None:
        self._raw, self.frames = raw, FrameWalker()

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.frames.feed(data)
        return data


class _ZstdSource:
    def __init__(self, raw: Readable) -> None:
        self._watched = _Watched(raw)
        context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        self._reader = context.stream_reader(self._watched, read_across_frames=True, read_size=_INPUT_BYTES)  # type: ignore[arg-type]

    def readinto(self, buffer: memoryview) -> int:
        count = self._reader.readinto(buffer)
        if not count and not self._watched.frames.is_complete:
            raise EOFError("it ends in the middle of the compressed data")
        return count
