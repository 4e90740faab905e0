"""What faults happen to: daemons, trainers, and the lines between them.

Each victim has a thread of its own, which does to it what was decided, one fault after another, and
keeps a journal.
"""

import os
import queue
import random
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

import check
from proxy import Proxy
from stokerd import BUILD, ROOT, SANITIZER_REPORT, SLOW, Stokerd

TRAINER = os.path.join(ROOT, BUILD, "tests", "chaos", "trainer")
FINISHED, TERMINATED = 0, 3  # exit statuses of the trainer
IDLE, IDLE_S = "idle", 0.05


class Failure(Exception):
    """What must not happen, whatever is done to the victims."""


@dataclass
class Entry:
    """A fault that was done; until_ns is the end of it: of a kill, when the next life began."""

    kind: str
    from_ns: int
    until_ns: int


def free_port():
    """A port below those that the kernel gives to clients: it is still ours after a restart."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Victim:
    """Faults wait in line; one that comes too late for its victim is passed on."""

    def __init__(self, pass_on):
        self.pass_on = pass_on
        self.journal = []
        self.failure = None
        self.line = queue.Queue()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def suffer(self, fault):
        self.line.put(fault)

    def rest(self):
        """End the thread once every fault in line is done."""
        self.line.put(None)
        self.thread.join()

    def finish(self):
        """End whatever still runs, and judge it."""
        self.rest()

    def discard(self):
        """End whatever still runs."""

    def _run(self):
        fault = IDLE
        while fault is not None:
            try:
                fault = self.line.get(timeout=IDLE_S)
            except queue.Empty:
                fault = IDLE
            try:
                self.watch() if fault is IDLE else self._do(fault)
            except Exception as error:  # it must reach the runner, whatever it is
                self.failure = self.failure or error

    def watch(self):
        """Look whether it fares as it should; in the victim's thread."""

    def _do(self, fault):
        if fault is None:
            return
        from_ns = time.monotonic_ns()
        began_ns = getattr(self, "_" + fault.kind.split()[0])(fault)
        if began_ns is None:
            self.pass_on(fault)
        else:
            self.journal.append(Entry(fault.kind, from_ns, began_ns))

    def _wait(self, seconds):
        threading.Event().wait(seconds)


class DaemonVictim(Victim):
    """A stokerd at the same two endpoints in every life, and the line that leads to it."""

    def __init__(self, pass_on, folder, number, stream, options):
        self.port = free_port()
        self.ipc = f"ipc://{folder}/{number}.sock"
        self.stream = stream
        self.options = options
        self._start()
        self.proxy = Proxy(self.port)
        self.tcp = f"tcp://127.0.0.1:{self.proxy.port}"
        super().__init__(pass_on)

    def _start(self):
        started_ns = time.monotonic_ns()
        listen = [self.ipc, f"tcp://127.0.0.1:{self.port}"]
        self.life = Stokerd(self.stream, listen=listen, **self.options)
        self.life.wait_ready()
        return started_ns

    def watch(self):
        if not self.life.is_alive():
            raise Failure(f"a daemon ended by itself:\n{self.life.stderr}")

    def _end(self):
        """Whatever became of this life, its log must not tell of a sanitizer."""
        self.life.wait_exit()
        self.life.judge()
        self.life.discard()

    def _kill(self, fault):
        self.watch()
        self.life.process.kill()
        self._end()
        self._wait(fault.last_s)
        return self._start()

    def _restart(self, fault):
        self.watch()
        self.life.stop()
        self.life.discard()
        self._wait(fault.last_s)
        return self._start()

    def _stop(self, fault):
        self.watch()
        self.life.signal(signal.SIGSTOP)
        self._wait(fault.last_s)
        self.life.signal(signal.SIGCONT)
        return time.monotonic_ns()

    def finish(self):
        self.rest()
        self.watch()
        self.life.stop()
        self.life.discard()
        self.proxy.close()

    def discard(self):
        self.life.discard()


class LineVictim(Victim):
    """The proxy before a daemon's tcp endpoint."""

    def __init__(self, pass_on, proxy):
        self.proxy = proxy
        super().__init__(pass_on)

    def _last(self, fault, take_back):
        self._wait(fault.last_s)
        take_back()
        return time.monotonic_ns()

    def _delay(self, fault):
        self.proxy.delay(fault.delay_s)
        return self._last(fault, lambda: self.proxy.delay(0))

    def _throttle(self, fault):
        self.proxy.throttle(fault.bytes_per_s)
        return self._last(fault, lambda: self.proxy.throttle(None))

    def _hang(self, fault):
        self.proxy.hang(True)
        return self._last(fault, lambda: self.proxy.hang(False))

    def _cut(self, fault):
        self.proxy.cut(True)
        return self._last(fault, lambda: self.proxy.cut(False))

    def _reset(self, fault):
        return self._last(fault, self.proxy.reset)


class TrainerVictim(Victim):
    """A trainer with its log; it is started at once, and ends when the log is full."""

    def __init__(self, pass_on, name, urls, stream, log, batches, options):
        self.name = name
        self.lone = len(urls) == 1
        self.log = log
        self.order = (options.get("rank", 0), options.get("world", 1), batches)
        words = [f"--{key}={value}" for key, value in options.items()]
        self.command = [TRAINER, *words, f"{','.join(urls)}/{stream}", log, str(batches)]
        self.starts_ns = []
        self.finished = False
        self.told = open(f"{log}.stderr", "w+")
        self._start()
        super().__init__(pass_on)

    def _start(self):
        self.starts_ns.append(time.monotonic_ns())
        self.process = subprocess.Popen(self.command, stderr=self.told)
        return self.starts_ns[-1]

    def records(self):
        return os.stat(self.log).st_size // check.RECORD_BYTES if os.path.exists(self.log) else 0

    def watch(self):
        if self.process.poll() is None or self.finished:
            return
        self._heed_status(FINISHED)

    def _heed_status(self, *allowed):
        status = self.process.wait(10 * SLOW)
        if status not in allowed:
            self.told.seek(0)
            raise Failure(f"{self.name} ended with status {status}: {self.told.read()}")
        self.finished = status == FINISHED

    def _end(self, fault, number):
        self.watch()
        if self.finished:
            return None
        self.process.send_signal(number)
        self._heed_status(-number, TERMINATED, FINISHED)
        self._wait(fault.last_s)
        return self._start() if not self.finished else time.monotonic_ns()

    def _kill(self, fault):
        return self._end(fault, signal.SIGKILL)

    def _restart(self, fault):
        return self._end(fault, signal.SIGTERM)

    def _stop(self, fault):
        self.watch()
        if self.finished:
            return None
        self.process.send_signal(signal.SIGSTOP)
        self._wait(fault.last_s)
        self.process.send_signal(signal.SIGCONT)
        return time.monotonic_ns()

    def finish(self):
        self.rest()
        self.watch()
        self.told.seek(0)
        if SANITIZER_REPORT.search(self.told.read()):
            raise Failure(f"{self.name}: see {self.told.name}")
        self.told.close()

    def discard(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
