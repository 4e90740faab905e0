#!/usr/bin/env python3
"""make bench: how near the daemon comes to what the machine allows, as a table and as JSON.

    run.py BUILD [--data DIR] [--quick] [--side PIXELS] [--no-peer]

Ratios are the result.  What is compared takes turns, several times over, so that a machine whose
speed changes changes both; a ratio is the median of the turns' ratios.  Nothing here fails because
a machine is slow, only where something does not run.

BUILD/bench/bench.json holds one object:

    version    of this format: 1
    machine    cpu, cores (that this process may use), memory_bytes, kernel
    software   versions: stoker, decoder; with a peer: python, torch, torchvision, pillow
    data       path, pictures, bytes
    settings   quick, side (of a served picture: 224, or what --side says, and then the peer
               is left out), seconds (of a run), turns, batch, window
    runs       every single run, in order, as objects with "group", "phase" (the targets are the
               headline's), "turn" and
        bound, stage   name, sampling (of the pictures: any, 2x2 or 1x1), threads, pictures,
                       failed, cpu_ms (a picture), pictures_per_s;
                       names are explained at the head of tests/bench/bounds.c, loopback.c,
                       stages_batch.c, stages_image.c and stages_jpeg.c
        stoker         workers, transport, dtype, mix, clients, cold (the files were not in memory)
                       and epoch, images (received by all clients), images_per_s (from the first
                       batch on), seconds, cpu_ms (of both, a picture decoded), daemon_cpu_ms,
                       client_cpu_ms, first_batch_ms, wait_ms_p99, replaced
        indexed        the same with way (library, whole, index) and sampling; see indexed.py
        peer           name (full, lean), workers, images, images_per_s, cpu_ms
    medians    a row for each distinct run, numbers replaced by their medians
    memory     plan_bytes, peak_bytes, epochs, rss_bytes (after each epoch)
    targets    name, value (null: not measured), target, at_most (or at least), met, unit
    other_load share of the machine's cores that others had meanwhile: where it is not small, what
               is measured by the clock (images/s, and ratios of it) depends on them as well
    left_out   sentences: what was not measured, and why
"""

import argparse
import contextlib
import json
import math
import os
import platform
import re
import resource
import subprocess
import sys
import time

import indexed
import report
import stokerd
from stokerd import Daemon, Failed

HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = ["u8", "f32", "f16", "bf16"]
SIDE = 224
CLIENTS = [2, 4, 8]
COLD_FILES_MAX = 20000  # more take too long to drop
MEMORY_EPOCHS = 20
MEMORY_BATCHES = 24  # that the plan of the memory row has room for


def core_count():
    """Cores that this process may use: its affinity, and the quota of its control group."""
    cores = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(1, cores)


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = re.search(r"^(?:model name|Model)\s*: (.*)", file.read(), re.M)
    return {
        "cpu": model[1].strip() if model else platform.machine(),
        "cores": core_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
    }


def busy_seconds():
    """Time that all cores together were busy since the machine's start, or taken by its host."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """CPU time of this process and of those that it started and that have ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + stokerd.children_cpu_seconds()


class Peer:
    """PyTorch in a process of its own, which answers when it is asked."""

    def __init__(self, data, workers, log):
        command = [sys.executable, os.path.join(HERE, "peer.py"), data, str(workers)]
        pipe = subprocess.PIPE
        self.log = log
        with open(log, "wb") as said:
            self.process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=said, text=True
            )
        line = self.process.stdout.readline()
        self.versions = json.loads(line) if line else None
        self.rates = {}

    def why_not(self):
        """Why it ended: the last line of what it said."""
        self.close()
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read().strip().split("\n")[-1]

    def ask(self, kind, batches):
        try:
            self.process.stdin.write(f"{kind} {batches}\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            raise Failed(f"the peer ended: {self.why_not()}") from None

    def measure(self, kind, seconds):
        if kind not in self.rates:
            self.rates[kind] = self.ask(kind, 4)["images_per_s"]
        figures = self.ask(kind, round(self.rates[kind] * seconds / stokerd.BATCH))
        self.rates[kind] = figures["images_per_s"]
        return figures

    def close(self):
        """It ends with its input, and ends its workers first."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Bench:
    """What is measured, in the order in which it is."""

    def __init__(self, build, data, quick, side):
        self.build = os.path.abspath(build)
        self.folder = os.path.join(self.build, "bench")
        self.start = (time.monotonic(), busy_seconds(), own_seconds())
        self.data = data
        self.side = side
        self.cores = core_count()
        self.seconds = 0.1 if quick else 2.5
        self.turns = 1 if quick else 5
        self.phase = ""  # the method that measures
        self.result = {
            "version": 1,
            "machine": machine(),
            "software": {},
            "data": {"path": data},
            "settings": {
                "quick": quick,
                "side": side,
                "seconds": self.seconds,
                "turns": self.turns,
                "batch": stokerd.BATCH,
                "window": stokerd.WINDOW,
            },
            "runs": [],
            "left_out": [],
        }
        os.makedirs(self.folder, exist_ok=True)
        self.measure_config = os.path.join(self.folder, "measure.conf")
        stokerd.write_config(self.measure_config, [self.section("u8", "mixup")])

    def section(self, dtype, mix):
        return stokerd.stream_text(self.data, self.side, dtype, mix)

    def daemon(self, name, workers, streams, memory_max=0):
        sections = [self.section(dtype, mix) for dtype, mix in streams]
        return Daemon(self.build, self.folder, name, sections, workers, memory_max)

    def keep(self, group, turn, labels, figures):
        first = {"group": group, "phase": self.phase, "turn": turn}
        self.result["runs"].append({**first, **labels, **figures})

    def parts(self, turn, threads, seconds, epoch, words=()):
        """Bounds and stages, by the C program; all of them where none is named."""
        report.progress(f"turn {turn}: parts, {threads} threads")
        program = os.path.join(self.build, "stoker-measure")
        words = [self.measure_config, epoch, threads, seconds, *words]
        result = subprocess.run(
            [program, *map(str, words)], stdout=subprocess.PIPE, text=True, check=False
        )
        if result.returncode != 0:
            raise Failed(f"stoker-measure ended with {result.returncode}")
        for line in result.stdout.splitlines():
            figures = json.loads(line)
            group = "bound" if figures["name"] in report.BOUNDS else "stage"
            self.keep(group, turn, {}, figures)

    def stoker(self, turn, daemon, workers, seconds, row):
        transport, dtype, mix, clients = row
        report.progress(f"turn {turn}: stokerd, {workers} workers, {' '.join(map(str, row))}")
        figures = daemon.measure(stokerd.stream_name(dtype, mix), transport, seconds, clients)
        self.keep("stoker", turn, self.labels(workers, row), figures)

    @staticmethod
    def labels(workers, row, cold=False):
        transport, dtype, mix, clients = row
        return {
            "workers": workers,
            "transport": transport,
            "dtype": dtype,
            "mix": mix,
            "clients": clients,
            "cold": cold,
        }

    def describe(self, daemon):
        stream = daemon.stream("u8-mixup")
        version = subprocess.run(
            [daemon.program, "--version"], stdout=subprocess.PIPE, text=True, check=True
        )
        self.result["software"].update(stoker=version.stdout.split()[-1], decoder=stream["decoder"])
        files = [entry for _, entry in walk_files(self.data)]
        self.result["data"].update(pictures=stream["samples"], bytes=sum(files))

    def open_peer(self, stack, wanted):
        if not wanted:
            self.result["left_out"].append("peer: not asked for")
            return None
        peer = Peer(self.data, self.cores, os.path.join(self.folder, "peer.log"))
        stack.callback(peer.close)
        if peer.versions is None:
            self.result["left_out"].append(f"peer: PyTorch did not start: {peer.why_not()}")
            return None
        self.result["software"].update(peer.versions)
        return peer

    def headline(self, daemon, peer):
        """What decides the targets: each turn has all of it, one after the other."""
        self.phase = "headline"
        for turn in range(self.turns):
            self.crop_bound(turn, daemon)
            self.stoker(turn, daemon, self.cores, self.seconds, report.IPC)
            self.stoker(turn, daemon, self.cores, self.seconds, report.TCP)
            self.crop_bound(turn, daemon)
            self.stoker(turn, daemon, self.cores, self.seconds, report.EIGHT)
            for kind in report.PEERS if peer is not None else ():
                report.progress(f"turn {turn}: peer, {kind}")
                figures = peer.measure(kind, self.seconds)
                self.keep("peer", turn, {"name": kind, "workers": self.cores}, figures)

    def crop_bound(self, turn, daemon):
        """Crop-only decoding of the pictures and boxes that the daemon serves next."""
        epoch = daemon.epochs.get("u8-mixup", 0)
        names = ["decode_crop", "decode_entered"]
        self.parts(turn, self.cores, self.seconds / 3, epoch, names)

    def variants(self, daemon):
        """Everything else at as many workers as cores; half as long, three turns."""
        self.phase = "variants"
        rows = [("ipc", "u8", "mixup", clients) for clients in CLIENTS]
        rows += [("tcp", "u8", "mixup", clients) for clients in CLIENTS]
        for dtype in DTYPES:
            for mix in ("mixup", "none"):
                rows += [("ipc", dtype, mix, 1), ("tcp", dtype, mix, 1)]
        rows = [row for row in rows if row not in report.HEADLINE]
        for turn in range((self.turns + 1) // 2):
            for row in rows:
                self.stoker(turn, daemon, self.cores, self.seconds / 2, row)

    def fewer_workers(self):
        self.phase = "fewer_workers"
        counts = [2**i for i in range(self.cores.bit_length()) if 2**i < self.cores]
        for workers in counts:
            with self.daemon(f"stokerd-{workers}", workers, [("u8", "mixup")]) as daemon:
                for turn in range((self.turns + 1) // 2):
                    self.parts(turn, workers, self.seconds / 4, 0, ["decode_crop"])
                    for transport in ("ipc", "tcp"):
                        row = (transport, "u8", "mixup", 1)
                        self.stoker(turn, daemon, workers, self.seconds / 2, row)

    def cold(self, daemon):
        """An epoch whose files must come from the disk."""
        self.phase = "cold"
        files = [path for path, _ in walk_files(self.data)]
        if len(files) > COLD_FILES_MAX:
            self.result["left_out"].append(f"cold files: there are more than {COLD_FILES_MAX}")
            return
        steps = daemon.stream("u8-mixup")["steps"]
        for turn in range((self.turns + 1) // 2):
            report.progress(f"turn {turn}: stokerd, cold files")
            for path in files:
                drop_cached(path)
            figures = daemon.receive("u8-mixup", "ipc", max(2, steps))
            labels = self.labels(self.cores, ("ipc", "u8", "mixup", 1), cold=True)
            self.keep("stoker", turn, labels, stokerd.summary(figures, 1))

    def all_parts(self):
        self.phase = "all_parts"
        for turn in range((self.turns + 1) // 2):
            for threads in sorted({1, self.cores}):
                self.parts(turn, threads, self.seconds / 10, turn)

    def jpeg_parts(self):
        """Parts of decoding a crop, for each sampling that the data has."""
        self.phase = "jpeg_parts"
        for sampling in report.SAMPLINGS:
            try:
                for turn in range(self.turns):
                    words = [sampling, *report.JPEG_PARTS, "resize"]
                    self.parts(turn, 1, self.seconds / 10, turn, words)
            except Failed:
                self.result["left_out"].append(f"parts of JPEGs: none is sampled {sampling}")

    def memory(self):
        """Resident memory over some epochs, when all memory for batches is in use already."""
        streams = [("u8", "mixup")]
        with self.daemon("stokerd-plan", self.cores, streams) as daemon:
            plan = daemon.memory_plan()
        slab_bytes = plan["slab_bytes"] // plan["batches"]
        memory_max = plan["bytes_max"] - plan["slab_bytes"] + MEMORY_BATCHES * slab_bytes
        rss = []
        with self.daemon("stokerd-memory", self.cores, streams, memory_max) as daemon:
            steps = daemon.stream("u8-mixup")["steps"]
            daemon.receive("u8-mixup", "ipc", MEMORY_BATCHES + 2 * stokerd.WINDOW)
            for epoch in range(MEMORY_EPOCHS):
                report.progress(f"memory: epoch {epoch + 1} of {MEMORY_EPOCHS}")
                daemon.receive("u8-mixup", "ipc", steps)
                rss.append(daemon.memory_bytes("VmRSS"))
            self.result["memory"] = {
                "plan_bytes": daemon.memory_plan()["bytes_max"],
                "peak_bytes": daemon.memory_bytes("VmHWM"),
                "epochs": MEMORY_EPOCHS,
                "rss_bytes": rss,
            }

    def other_load(self):
        """The share of all cores that other work had, and what the host of a VM kept."""
        clock_s, busy_s, own_s = self.start
        others_s = busy_seconds() - busy_s - (own_seconds() - own_s)
        return max(0.0, others_s / (time.monotonic() - clock_s) / os.cpu_count())

    def run(self, with_peer):
        streams = [(dtype, mix) for dtype in DTYPES for mix in ("mixup", "none")]
        with contextlib.ExitStack() as stack:
            daemon = stack.enter_context(self.daemon("stokerd", self.cores, streams))
            self.describe(daemon)
            self.headline(daemon, self.open_peer(stack, with_peer))
        with self.daemon("stokerd-variants", self.cores, streams) as daemon:
            self.variants(daemon)
            self.cold(daemon)
        indexed.measure(self, [path for path, _ in walk_files(self.data)])
        self.fewer_workers()
        self.all_parts()
        self.jpeg_parts()
        self.memory()
        self.result["other_load"] = self.other_load()
        self.result["medians"] = report.medians(self.result["runs"])
        self.result["targets"] = report.targets(self.result)


def walk_files(data):
    """The JPEGs below a folder: path, bytes."""
    for folder, _, names in os.walk(data):
        for name in names:
            if name.lower().endswith((".jpg", ".jpeg")):
                path = os.path.join(folder, name)
                yield path, os.path.getsize(path)


def drop_cached(path):
    """Ask the system to forget a file's content; it needs no privilege."""
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def draw_data(build):
    """The demo's data set, drawn where it is not there yet."""
    data = os.path.join(build, "demo", "data")
    os.makedirs(os.path.dirname(data), exist_ok=True)
    subprocess.run([os.path.join(build, "stoker-demo-draw"), data], check=True)
    return data


def main():
    parser = argparse.ArgumentParser(description="Measure stokerd against what bounds it.")
    parser.add_argument("build", help="the build folder")
    parser.add_argument("--data", help="class folders of JPEGs; the demo's unless given")
    parser.add_argument("--quick", action="store_true", help="each thing once, for a moment")
    parser.add_argument("--side", type=int, default=SIDE, help="pixels of a served picture")
    parser.add_argument("--no-peer", action="store_true", help="leave PyTorch out")
    arguments = parser.parse_args()
    try:
        data = arguments.data or draw_data(arguments.build)
        bench = Bench(arguments.build, os.path.abspath(data), arguments.quick, arguments.side)
        bench.run(not arguments.no_peer and arguments.side == SIDE)
    except (Failed, OSError, subprocess.CalledProcessError) as error:
        report.progress("")
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    path = os.path.join(bench.folder, "bench.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(bench.result, file, indent=1)
        file.write("\n")
    report.progress("")
    print(report.table(bench.result))
    print(f"all runs: {path}")


if __name__ == "__main__":
    main()
