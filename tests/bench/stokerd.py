"""The real daemon and the real client as processes, measured from outside.

CPU time is the scheduler's own count, in nanoseconds.  Of the daemon it is what passes between the
start and the end of a client, so that its start and its listing are left out; of the client it is
all that it ever used, as the system tells when it has ended.
"""

import json
import os
import re
import resource
import subprocess
import tempfile
import time

BATCH = 64
WINDOW = 8  # of stoker bench
NOTING_EPOCHS_MAX = 4  # that bring an index to its end
START_S = 600  # a listing of a large data set takes its time


class Failed(Exception):
    """Something did not run; a sentence."""


def stream_name(dtype, mix):
    return f"{dtype}-{mix}"


def stream_text(data, side, dtype, mix, index="off"):
    source = os.path.abspath(data).replace("\\", "\\\\").replace('"', '\\"')
    return (
        f"stream {stream_name(dtype, mix)} {{\n"
        f'    source = "folder:{source}"\n'
        f"    batch = {BATCH}\n"
        f"    size = {side}\n"
        f"    last = wrap\n"  # so that any number of pictures makes a batch
        f"    index = {index}\n"
        f"    dtype = {dtype}\n"
        f"    mix {{\n        method = {mix}\n    }}\n"
        f"}}\n"
    )


def write_config(path, streams, listen="ipc:///unused", workers=1, memory_max=0):
    """A configuration of streams, given as their sections."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"listen = {{{listen}}}\nworkers = {workers}\nmemory_max = {memory_max}\n")
        file.write("".join(streams))


def process_cpu_seconds(pid):
    """CPU time of another process, with its threads that have ended: clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


class Daemon:
    """stokerd on an ipc path and a port of the system's choice, until the with block ends."""

    def __init__(self, build, folder, name, streams, workers, memory_max=0, program="stokerd"):
        self.program = os.path.join(build, program)
        self.client = os.path.join(build, "stoker")
        self.log = os.path.join(folder, f"{name}.log")
        self.config = os.path.join(folder, f"{name}.conf")
        self.environment = {**os.environ, "STATE_DIRECTORY": os.path.join(folder, "state")}
        # An ipc path must be short, whatever the checkout's is.
        self.sockets = tempfile.TemporaryDirectory(prefix="stoker-bench.")
        listen = f'"ipc://{self.sockets.name}/s", "tcp://127.0.0.1:*"'
        write_config(self.config, streams, listen, workers, memory_max)
        self.epochs = {}  # by stream: the next that nobody has asked for
        self.rates = {}  # by row: batches a second, as last seen

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [self.program, "-c", self.config], stderr=log, env=self.environment
            )
        try:
            self._wait_ready()
        except BaseException as failure:
            self.__exit__(failure)
            raise
        return self

    def __exit__(self, failure=None, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.sockets.cleanup()
        if failure is None and self.process.returncode != 0:
            raise Failed(f'stokerd ended with {self.process.returncode}; its log is "{self.log}"')

    def _wait_ready(self):
        deadline = time.monotonic() + START_S
        while not self._events("server.ready"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f'stokerd did not start; its log is "{self.log}"')
            time.sleep(0.01)
        endpoints = re.findall(r" endpoint=(\S+)", "\n".join(self._events("server.listening")))
        self.endpoints = {}
        for endpoint in endpoints:
            # A daemon that listens with IPv6 calls 127.0.0.1 by its IPv6 name.
            endpoint = endpoint.strip('"').replace("[::ffff:127.0.0.1]", "127.0.0.1")
            self.endpoints[endpoint[:3]] = endpoint

    def _events(self, event):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return [line for line in log if re.match(rf"\w+ {re.escape(event)}( |$)", line)]

    def note_index(self, stream):
        """Receive until the daemon has noted an index; whether it could."""
        steps = max(WINDOW, self.stream(stream)["steps"])
        for _ in range(NOTING_EPOCHS_MAX):
            if self._events("index.finished") or self._events("index.opened"):
                return True
            self.receive(stream, "ipc", steps)
        return bool(self._events("index.finished"))

    def memory_plan(self):
        """The figures of the line in which the daemon prints its plan."""
        line = self._events("memory.plan")[0]
        return {key: int(value) for key, value in re.findall(r" (\w+)=(\d+)", line)}

    def memory_bytes(self, field):
        """VmRSS, what is resident, or VmHWM, the most that ever was."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(rf"^{field}:\s+(\d+) kB", status.read(), re.M)[1]) * 1024

    def stream(self, name):
        """What the daemon tells of a stream."""
        for stream in json.loads(self._command("streams", self.endpoints["ipc"]))["streams"]:
            if stream["stream"] == name:
                return stream
        raise Failed(f'stokerd serves no stream "{name}"')

    def _command(self, *words):
        command = [self.client, *map(str, words), "--json", "--timeout", "120"]
        result = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if result.returncode != 0:
            raise Failed(f'"{" ".join(command)}" ended with {result.returncode}')
        return result.stdout

    def receive(self, stream, transport, batches, clients=1):
        """Receive batches that were never asked for; what the client and the clocks say."""
        epoch = self.epochs.setdefault(stream, 0)
        steps = self.stream(stream)["steps"]
        self.epochs[stream] += (batches + steps - 1) // steps
        url = f"{self.endpoints[transport]}/{stream}"
        words = ["bench", url, "--epoch", epoch, "--batches", batches, "--clients", clients]
        daemon_s = process_cpu_seconds(self.process.pid)
        children_s = children_cpu_seconds()
        figures = json.loads(self._command(*words, "--window", WINDOW))
        figures["epoch"] = epoch
        figures["client_cpu_s"] = children_cpu_seconds() - children_s
        figures["daemon_cpu_s"] = process_cpu_seconds(self.process.pid) - daemon_s
        return figures

    def measure(self, stream, transport, seconds, clients=1):
        """Receive for about so long.  A new row is received for a moment first, to see how fast
        it is and so that files and memory are warm."""
        row = (stream, transport, clients)
        if row not in self.rates:
            warm = self.receive(stream, transport, WINDOW, clients)
            self.rates[row] = warm["batches"] / clients / warm["seconds"]
        batches = max(WINDOW, round(self.rates[row] * seconds))
        figures = self.receive(stream, transport, batches, clients)
        self.rates[row] = batches / figures["seconds"]
        return summary(figures, clients)


def children_cpu_seconds():
    """CPU time of the processes that were started here and have ended, with theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def summary(figures, clients):
    """The figures of a run.  The rate counts from the first batch on, of the slowest client."""
    images = figures["images"]
    steady_s = figures["seconds"] - figures["first_batch_ms"] / 1000
    decoded = images / clients  # not received: what is done once counts once
    daemon_ms = figures["daemon_cpu_s"] * 1000 / decoded
    client_ms = figures["client_cpu_s"] * 1000 / decoded
    return {
        "epoch": figures["epoch"],
        "images": images,
        "images_per_s": (images - clients * BATCH) / steady_s,
        "seconds": figures["seconds"],
        "cpu_ms": daemon_ms + client_ms,
        "daemon_cpu_ms": daemon_ms,
        "client_cpu_ms": client_ms,
        "first_batch_ms": figures["first_batch_ms"],
        "wait_ms_p99": figures["wait_ms_p99"],
        "replaced": figures["replaced"],
    }
