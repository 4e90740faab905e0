"""A stokerd under test: started from a configuration text, watched, stopped, judged."""

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import plan1
import sandbox

SLOW = float(os.environ.get("STOKER_SLOW", "1"))
BUILD = os.environ.get("STOKER_BUILD", "build")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, BUILD, "stokerd")

READY_S = 30 * SLOW
EXIT_S = 30 * SLOW

SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")
FIELD = re.compile(r' ([a-z0-9_.]+)=("(?:[^"\\]|\\.)*"|\S*)')
ESCAPE = re.compile(r'\\x([0-9a-f]{2})|\\(["\\])')


def is_sanitized():
    """Whether the program was built with a sanitizer: its memory is then not the daemon's own."""
    with open(PROGRAM, "rb") as program:
        content = program.read()
    return b"__asan_init" in content or b"__tsan_init" in content


def links_systemd():
    with open(PROGRAM, "rb") as program:
        return b"libsystemd.so" in program.read()


def before(options):
    """What stands before a daemon's command: the unit's sandbox, where every test is to run in it.

    A sanitizer's program, and a script of a test's own, make other calls than a daemon does.
    """
    ours = options.get("program", PROGRAM).startswith(PROGRAM)
    if "STOKER_SANDBOX" not in os.environ or not ours or is_sanitized():
        return ()
    return sandbox.prefix(os.path.join(ROOT, BUILD))


def wait_until(condition, what, timeout_s=30.0):
    """Wait for a condition, asked again and again; its value, once that is true."""
    deadline = time.monotonic() + timeout_s * SLOW
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        pause.wait(0.005)


def quoted(path):
    return '"' + os.fspath(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def stream_text(name, source, recipe=plan1.Recipe(), **paths):
    """A stream's section, every setting of the recipe written out; paths are root and list."""
    source = os.fspath(source)
    lines = [
        f"source = {quoted(source if source.startswith('csv:') else f'folder:{source}')}",
        *(f"{key} = {quoted(path)}" for key, path in paths.items()),
        f"batch = {recipe.batch}",
        f"order = {recipe.order}",
        f"seed = {recipe.seed}",
        f"last = {recipe.last}",
        f"sampler = {recipe.sampler}",
        f"repeat = {recipe.repeat}",
        f"subset = {recipe.subset!r}",
        f"size = {{{recipe.height}, {recipe.width}}}",
        f"interpolation = {recipe.interpolation}",
        f"transform = {{{', '.join(recipe.transform)}}}",
        f"dtype = {recipe.dtype}",
        f"layout = {recipe.layout}",
        f"mean = {_list(recipe.mean)}",
        f"std = {_list(recipe.std)}",
        f"on_corrupt = {recipe.on_corrupt}",
        f"labels = {recipe.labels}",
    ]
    if recipe.sampler != "all":
        lines.append(f"epoch_samples = {recipe.epoch_samples}")
    for first, batch, height, width in recipe.phases:
        lines.append(
            f"phase {{ from_epoch = {first} batch = {batch} size = {{{height}, {width}}} }}"
        )
    for transform in recipe.transform:
        settings = [f"{key} = {{{value}}}" for key, value in recipe.settings(transform)]
        lines.append(f"{transform} {{ {' '.join(settings)} }}")
    if recipe.mix != "none" or recipe.mix_keys:
        lines.append(mix_text(recipe))
    return f"stream {name} {{\n    " + "\n    ".join(lines) + "\n}\n"


def mix_text(recipe):
    """A mix section: preset, method, and what else the recipe says of its own."""
    preset = dict(preset=recipe.mix_preset) if recipe.mix != "none" else {}
    keys = dict(preset, method=recipe.mix)
    if recipe.mix_alpha is not None:
        keys["alpha"] = recipe.mix_alpha
    keys |= recipe.mix_keys
    if "box_range" in keys:
        low, high = keys.pop("box_range")
        keys["cutmix_box"] = f"{{minmax, {low!r}, {high!r}}}"
    return "mix { " + " ".join(f"{key} = {value}" for key, value in keys.items()) + " }"


def _list(values):
    return "{" + ", ".join(repr(value) for value in values) + "}"


def parse_line(line):
    """A log line as (level, event, fields); None for what is no log line."""
    match = re.match(r"(error|warn|notice|info|debug) ([a-z_.]+)", line)
    if match is None:
        return None
    fields = {}
    for key, value in FIELD.findall(line[match.end() :]):
        if value.startswith('"'):
            value = ESCAPE.sub(
                lambda found: chr(int(found[1], 16)) if found[1] else found[2], value[1:-1]
            )
        fields[key] = value
    return match[1], match[2], fields


class Stokerd:
    """One run of the daemon."""

    def __init__(
        self,
        streams,
        *,
        listen=None,
        workers=2,
        memory_max="512M",
        log_level="debug",
        environment=None,
        settings=None,
        **options,
    ):
        self.folder = tempfile.mkdtemp(prefix="stk-", dir="/tmp")
        self.listen = listen or [f"ipc://{self.folder}/s"]
        os.chmod(self.folder, 0o755)  # a test may run the program as somebody else
        self.config = os.path.join(self.folder, "stokerd.conf")
        self.settings = dict(workers=workers, memory_max=memory_max, log_level=log_level)
        self.settings |= settings or {}
        self.configure(streams)
        self.changed = threading.Condition()
        self.told, self.begun = [], b""  # lines of stderr, and the head of the next one
        self.ended = False  # stderr is
        self.process = subprocess.Popen(
            [
                *options.pop("before", before(options)),
                options.pop("program", PROGRAM),
                "-c",
                self.config,
            ],
            stderr=subprocess.PIPE,
            env={**os.environ, **self.state(), **(environment or {})},
            **options,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def state(self):
        """The environment that gives it a state directory of its own."""
        return dict(STATE_DIRECTORY=os.path.join(self.folder, "state"))

    def _read(self):
        """For a thread: a daemon whose log nobody reads stands still."""
        while not self.ended:
            self._has_told(None)
            self._take_in()

    def _has_told(self, timeout_ms):
        """Whether there is more to read, or the end; None: once there is."""
        poll = select.poll()
        poll.register(self.process.stderr, select.POLLIN)
        return poll.poll(timeout_ms)

    def _take_in(self):
        """Everything that it has written by now."""
        with self.changed:
            while not self.ended and self._has_told(0):
                data = os.read(self.process.stderr.fileno(), 65536)
                self.ended = not data
                *whole, self.begun = (self.begun + data).split(b"\n")
                if self.ended and self.begun:
                    whole.append(self.begun)
                self.told += [line.decode(errors="replace") for line in whole]
            self.changed.notify_all()

    def configure(self, streams, *, listen=None, **settings):
        """Write the configuration anew; a setting that is not given stays as it was."""
        self.listen = listen or self.listen
        self.settings |= settings
        lines = [f"listen = {{{', '.join(quoted(endpoint) for endpoint in self.listen)}}}"]
        lines += [f"{key} = {value}" for key, value in self.settings.items()]
        written = self.config + ".new"
        with open(written, "w") as file:
            file.write("\n".join(lines) + "\n" + streams)
        os.rename(written, self.config)

    def reload(self, *configuration, **settings):
        """Configure, hang up, and wait until that is taken over; the line that says so."""
        if configuration or settings:
            self.configure(*configuration, **settings)
        count = len(self.events("reload.done"))
        self.signal(signal.SIGHUP)
        return self.wait_log("reload.done", count + 1)

    def reload_refused(self, *configuration, **settings):
        """Likewise, where it must be refused; the reason."""
        self.configure(*configuration, **settings)
        count = len(self.events("reload.refused"))
        self.signal(signal.SIGHUP)
        return self.wait_log("reload.refused", count + 1)["reason"]

    # The log.

    @property
    def lines(self):
        """All lines so far: what the daemon logs before it answers is there with the answer."""
        self._take_in()
        return list(self.told)

    @property
    def stderr(self):
        return "\n".join(self.lines)

    def events(self, event):
        """The fields of every line of an event so far."""
        parsed = [parse_line(line) for line in self.lines]
        return [line[2] for line in parsed if line is not None and line[1] == event]

    def wait_log(self, event, count=1, timeout_s=READY_S):
        """Wait for an event's count-th line; its fields."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while len(self.events(event)) < count:
                left = deadline - time.monotonic()
                assert left > 0 and not self.ended, f"no {event} in the log:\n{self.stderr}"
                self.changed.wait(left)
        return self.events(event)[count - 1]

    def wait_log_or_end(self, event, timeout_s=READY_S):
        """Wait for an event or the end of the log; the event's fields, None without it."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while not self.events(event) and not self.ended:
                left = deadline - time.monotonic()
                assert left > 0, f"no {event} in the log, and no end:\n{self.stderr}"
                self.changed.wait(left)
        return (self.events(event) or [None])[0]

    def wait_ready(self):
        self.wait_log("server.ready")
        return self

    @property
    def endpoint(self):
        return self.endpoints[0]

    @property
    def endpoints(self):
        """As the log tells them, so that a port that the system picked is known.

        A daemon that listens with IPv6 calls 127.0.0.1 by its IPv6 name.
        """
        told = [fields["endpoint"] for fields in self.events("server.listening")]
        return [endpoint.replace("[::ffff:127.0.0.1]", "127.0.0.1") for endpoint in told]

    # The process.

    def memory_bytes(self, field="VmHWM"):
        """A row of /proc/PID/status; VmHWM is the most that was ever resident."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(rf"^{field}:\s+(\d+) kB", status.read(), re.M)[1]) * 1024

    def cpu_seconds(self):
        """Time on a core so far, all threads together; other load does not count."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            user, system = stat.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def is_alive(self):
        return self.process.poll() is None

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait_exit(self, timeout_s=EXIT_S):
        """The exit status, once the process is gone and its log is read."""
        status = self.process.wait(timeout_s)
        self.reader.join(timeout_s)
        self.process.stderr.close()
        return status

    def stop(self):
        """Drain, and judge: exit 0, no sanitizer's report."""
        if self.is_alive():
            self.signal()
        status = self.wait_exit()
        self.judge()
        assert status == 0, f"exit status {status}:\n{self.stderr}"

    def judge(self):
        report = SANITIZER_REPORT.search(self.stderr)
        assert report is None, f"a sanitizer reports:\n{self.stderr}"

    def discard(self):
        """Clean up whatever became of it."""
        if self.is_alive():
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
