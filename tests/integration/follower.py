"""A trainer that goes step by step, through libstoker: the tool build/tests/tools/follow."""

import json
import os
import subprocess
import threading
import time

from stokerd import BUILD, ROOT, SLOW

TOOL = os.path.join(ROOT, BUILD, "tests", "tools", "follow")


class Follower:
    """One run of the tool.  What it prints is read as it comes."""

    def __init__(self, url, heartbeat_ms=0, window=8, state=None):
        words = [TOOL, url, str(heartbeat_ms), str(window), *([state] if state else [])]
        # libzmq 4.3.4 leaks a message that is coming in where its socket is closed.
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.lines = []  # (when, what)
        self.read = 0
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append((time.monotonic(), json.loads(line)))
                self.changed.notify_all()
        with self.changed:
            self.lines.append((time.monotonic(), None))
            self.changed.notify_all()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self, timeout_s=30):
        """The next line: when it came, and what it says."""
        with self.changed:
            deadline = time.monotonic() + timeout_s * SLOW
            while len(self.lines) == self.read:
                left = deadline - time.monotonic()
                assert left > 0, "the trainer stands still"
                self.changed.wait(left)
            self.read += 1
            return self.lines[self.read - 1]

    def wait_open(self):
        _, told = self.answer()
        assert told["status"] == "ok", told
        return self

    def ask(self, line):
        self.say(line)
        return self.answer()[1]

    def take(self, count):
        """So many batches; nothing may fail meanwhile."""
        self.say(f"take {count}")
        return [self.answer()[1] for _ in range(count)]

    def figures(self):
        return self.ask("figures")

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(30 * SLOW)
        self.reader.join()
        errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        assert self.process.returncode == 0, errors

    def discard(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
