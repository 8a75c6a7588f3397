"""A proxy that hands everything on a while later: `python -m support.delaying_proxy LISTEN PORT TO PORT SECONDS`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Hand on what comes, each piece after the delay, without waiting for one before the next is read."""
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]](256)

    async def hand_on() -> None:
        while True:
            due_s, data = await waiting.get()
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            if not data:
                with suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    async def read() -> None:
        data = b"begin"
        while data:
            data = await reader.read(65536)
            await waiting.put((loop.time() + delay_s, data))

    with suppress(OSError):
        await asyncio.gather(read(), hand_on())


async def _main(listen: str, port: int, to: str, to_port: int, delay_s: float) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection(to, to_port)
            await asyncio.gather(_pass(reader, back, delay_s), _pass(there, writer, delay_s))
            back.close()
        writer.close()

    server = await asyncio.start_server(serve, listen, port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))
