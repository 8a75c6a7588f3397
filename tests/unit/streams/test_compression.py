from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import zlib

import pytest
import zstandard

from holdfast.model.errors import ArchiveError, BadRequestError
from holdfast.model.kinds import Compression
from holdfast.streams.compression import (
    CompressedWriter,
    CompressionChoice,
    DecompressedReader,
    UnsupportedCompressionError,
    detect,
    parse,
)

PLAIN = b"".join(b"line %d of a text that repeats\n" % (n % 977) for n in range(60_000)) + bytes(300_000)
COMPRESSED = [kind for kind in Compression if kind is not Compression.NONE]


def squeeze(data: bytes, choice: CompressionChoice) -> bytes:
    raw = io.BytesIO()
    writer = CompressedWriter(raw, choice)
    for start in range(0, len(data), 100_000):
        writer.write(memoryview(data)[start : start + 100_000])
    writer.finish()
    assert writer.written_bytes == len(raw.getvalue())
    return raw.getvalue()


def expand(data: bytes, kind: Compression, limit: int | None = None, piece: int = 70_000) -> bytes:
    reader = DecompressedReader(io.BytesIO(data), kind, limit)
    buffer = memoryview(bytearray(piece))
    out = bytearray()
    while count := reader.readinto(buffer):
        out += buffer[:count]
    return bytes(out)


@pytest.mark.parametrize("kind", list(Compression))
def test_round_trip(kind: Compression) -> None:
    assert expand(squeeze(PLAIN, CompressionChoice(kind)), kind) == PLAIN


@pytest.mark.parametrize(
    ("kind", "program"),
    [(Compression.GZIP, "gzip"), (Compression.XZ, "xz"), (Compression.BZIP2, "bzip2"), (Compression.ZSTD, "zstd")],
)
def test_the_usual_programs_read_what_is_written(kind: Compression, program: str) -> None:
    done = subprocess.run([program, "-dc"], input=squeeze(PLAIN, CompressionChoice(kind)), stdout=-1, check=True)
    assert done.stdout == PLAIN


def test_reads_what_the_usual_programs_write() -> None:
    assert expand(gzip.compress(PLAIN), Compression.GZIP) == PLAIN
    assert expand(bz2.compress(PLAIN), Compression.BZIP2) == PLAIN
    assert expand(lzma.compress(PLAIN), Compression.XZ) == PLAIN
    assert expand(lzma.compress(PLAIN, format=lzma.FORMAT_ALONE), Compression.LZMA) == PLAIN
    assert expand(zstandard.compress(PLAIN, 9), Compression.ZSTD) == PLAIN
    piped = subprocess.run(["zstd", "-19", "-c"], input=PLAIN, stdout=-1, check=True).stdout
    assert expand(piped, Compression.ZSTD) == PLAIN


@pytest.mark.parametrize("kind", [Compression.GZIP, Compression.XZ, Compression.BZIP2, Compression.ZSTD])
def test_members_one_after_the_other(kind: Compression) -> None:
    one = squeeze(b"first ", CompressionChoice(kind)) + squeeze(b"second", CompressionChoice(kind))
    assert expand(one, kind) == b"first second"


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_stream_cut_anywhere_is_an_error(kind: Compression) -> None:
    whole = squeeze(PLAIN, CompressionChoice(kind))
    for end in {1, 5, 20, len(whole) // 3, len(whole) // 2, len(whole) - 20, len(whole) - 5, len(whole) - 1}:
        with pytest.raises(ArchiveError):
            expand(whole[:end], kind)


@pytest.mark.parametrize("kind", [Compression.GZIP, Compression.XZ, Compression.BZIP2, Compression.ZSTD])
def test_a_changed_byte_is_an_error(kind: Compression) -> None:
    whole = bytearray(squeeze(PLAIN, CompressionChoice(kind)))
    whole[len(whole) // 2] ^= 0x55
    with pytest.raises(ArchiveError):
        expand(bytes(whole), kind)


@pytest.mark.parametrize("kind", [Compression.GZIP, Compression.XZ, Compression.BZIP2, Compression.ZSTD])
def test_rubbish_after_the_end_is_an_error(kind: Compression) -> None:
    with pytest.raises(ArchiveError):
        expand(squeeze(PLAIN, CompressionChoice(kind)) + b"rubbish" * 100, kind)


@pytest.mark.parametrize("kind", list(Compression))
def test_threat_decompression_bomb(kind: Compression) -> None:
    """A small file of zeros stops at the limit of bytes, however well it compresses."""
    bomb = squeeze(bytes(30_000_000), CompressionChoice(kind))
    with pytest.raises(ArchiveError, match="more than the 1000000 bytes"):
        expand(bomb, kind, limit=1_000_000)
    assert len(expand(bomb, kind, limit=30_000_000)) == 30_000_000


def test_threat_memory_bomb_in_zstd_window() -> None:
    """A frame that asks for a window of gigabytes is refused before any memory is taken."""
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=30)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    frame = compressor.compress(b"x" * 1000) + compressor.flush()
    with pytest.raises(ArchiveError):
        expand(frame, Compression.ZSTD)


@pytest.mark.parametrize(
    ("text", "kind", "level"),
    [
        ("gzip", Compression.GZIP, None),
        ("gzip -9", Compression.GZIP, 9),
        ("pigz -1", Compression.GZIP, 1),
        ("zstd-9", Compression.ZSTD, 9),
        ("zstd -19", Compression.ZSTD, 19),
        ("xz -6", Compression.XZ, 6),
        ("xz 0", Compression.XZ, 0),
        ("lzma", Compression.LZMA, None),
        ("bzip2", Compression.BZIP2, None),
        ("none", Compression.NONE, None),
    ],
)
def test_parse(text: str, kind: Compression, level: int | None) -> None:
    assert parse(text) == CompressionChoice(kind, level)


@pytest.mark.parametrize(
    "text",
    [
        "nosuchcomp",
        "",
        "gzip -0",
        "gzip -10",
        "zstd -20",
        "none -1",
        "gzip --rsyncable",
        "gzip -9 -k",
        "GZIP",
        "gzip\n",
        "squashfs",
    ],
)
def test_refused_algorithms(text: str) -> None:
    with pytest.raises(BadRequestError, match="Invalid compression algorithm") as caught:
        parse(text)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "text",
    [
        "sh -c 'touch /tmp/x'",
        "gzip; id",
        "gzip -9 --suffix=/../../x",
        "/bin/sh",
        "zstd --patch-from=/etc/shadow",
        "$(id)",
    ],
)
def test_threat_compression_string_is_no_command(text: str) -> None:
    with pytest.raises(BadRequestError, match="Invalid compression algorithm"):
        parse(text)


def test_levels_change_the_size() -> None:
    default = len(squeeze(PLAIN, parse("gzip")))
    assert len(squeeze(PLAIN, parse("gzip -9"))) < default
    assert zlib.decompress(squeeze(PLAIN, parse("gzip -9")), 31) == PLAIN


@pytest.mark.parametrize("kind", COMPRESSED)
def test_detect_by_magic(kind: Compression) -> None:
    assert detect(squeeze(PLAIN, CompressionChoice(kind))[:512]) is kind


def test_detect_plain_tar_and_nothing() -> None:
    assert detect(bytes(257) + b"ustar\x0000") is Compression.NONE
    for head in (b"", b"PK\x03\x04", b"hsqs" + bytes(508), b"garbage" * 100):
        with pytest.raises(UnsupportedCompressionError) as caught:
            detect(head)
        assert caught.value.status == 500
        assert str(caught.value).startswith("Unsupported compression: ")
