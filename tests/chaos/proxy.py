"""A proxy between trainers and a daemon, which can be told to misbehave.

It runs in a thread of its own.  A fault lasts until it is taken back; bytes are late or cut off
with their connection, never changed or left out: that is what tcp promises to both ends.
"""

import asyncio
import socket
import struct
import threading

CHUNK_BYTES = 16384
QUEUED = 64  # chunks on their way, in each direction of a connection


class Proxy:
    """Listens on a port of 127.0.0.1 and connects each peer to a daemon's port there."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.delay_s = 0.0
        self.bytes_per_s = None
        self.refusing = False
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def close(self):
        self._call(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    # Faults, from any thread.

    def delay(self, delay_s):
        """Every byte arrives so much later."""
        self.delay_s = delay_s

    def throttle(self, bytes_per_s):
        """So many bytes a second in each direction of each connection; None: all there are."""
        self.bytes_per_s = bytes_per_s

    def hang(self, hanging):
        """Nothing passes, and nobody is told: what a partition looks like."""
        self.loop.call_soon_threadsafe(self.flowing.clear if hanging else self.flowing.set)

    def cut(self, refusing):
        """End every connection, in the middle of a message if need be, and take no new one."""
        self.refusing = refusing
        if refusing:
            self._call(self._hang_up())

    def reset(self):
        """End every connection with a RST, which throws away what is on its way."""
        self._call(self._hang_up(resetting=True))

    # In the loop.

    async def _end(self):
        self.server.close()
        await self._hang_up()

    async def _hang_up(self, resetting=False):
        for writer in list(self.writers):
            plain = writer.get_extra_info("socket")
            if resetting and plain.fileno() != -1:  # a peer that left has none any more
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self.writers.add(writer)
        writers = [writer]
        try:
            if self.refusing:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            self.writers.add(far_writer)
            writers.append(far_writer)
            ways = [self._pump(reader, far_writer), self._pump(far_reader, writer)]
            tasks = [asyncio.ensure_future(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            pass  # the daemon is down, so this peer finds nobody
        finally:
            for one in writers:
                self.writers.discard(one)
                one.transport.abort()

    async def _pump(self, reader, writer):
        """One direction: a queue between reading and writing is the length of the line."""
        line = asyncio.Queue(QUEUED)
        arriving = asyncio.ensure_future(self._deliver(line, writer))
        try:
            while data := await reader.read(CHUNK_BYTES):
                await line.put((self.loop.time() + self.delay_s, data))
            await line.put((0, b""))
            await arriving
        except OSError:
            pass
        finally:
            arriving.cancel()

    async def _deliver(self, line, writer):
        while True:
            due, data = await line.get()
            if not data:
                return
            await asyncio.sleep(max(0, due - self.loop.time()))
            await self.flowing.wait()
            writer.write(data)
            await writer.drain()
            if self.bytes_per_s is not None:
                await asyncio.sleep(len(data) / self.bytes_per_s)
