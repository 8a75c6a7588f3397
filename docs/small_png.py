"""Pictures with at most 256 colours, as screens of text have: a third of the bytes of what a browser writes.

A PNG is a signature and chunks: length (4 bytes), kind (4), content, CRC of kind and content (4). Written are IHDR,
PLTE, IDAT (each row of indices after a byte 0, "no filter", compressed) and IEND.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Final

from playwright.sync_api import Page

MOST_COLOURS: Final = 256
_DECODE: Final = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (each) => each.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const {data, width, height} = context.getImageData(0, 0, picture.width, picture.height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return [width, height, btoa(text)];
}"""


def small_png(page: Page, png: bytes) -> bytes:
    """Return the picture with its most frequent colours; the others become the nearest of these. `page` decodes it."""
    width, height, encoded = page.evaluate(_DECODE, base64.b64encode(png).decode())
    pixels = memoryview(base64.b64decode(encoded)).cast("I")
    counted = Counter(pixels)
    palette = [colour for colour, _ in counted.most_common(MOST_COLOURS)]
    index_of = {colour: index for index, colour in enumerate(palette)}
    for colour in counted:
        if colour not in index_of:
            index_of[colour] = index_of[_nearest(colour, palette)]
    indices = bytes(map(index_of.__getitem__, pixels))
    rows = b"".join(b"\0" + indices[start : start + width] for start in range(0, width * height, width))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(bytes(_parts(colour)) for colour in palette)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _parts(colour: int) -> tuple[int, int, int]:
    """Red, green, blue of a pixel as it lies in memory, the lowest byte first."""
    return colour & 255, colour >> 8 & 255, colour >> 16 & 255


def _nearest(colour: int, palette: Iterable[int]) -> int:
    wanted = _parts(colour)

    def distance(other: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(wanted, _parts(other), strict=True))

    return min(palette, key=distance)
