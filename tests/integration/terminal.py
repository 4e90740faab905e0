"""A terminal under test: a program on a pseudo-terminal, and the screen that pyte makes of it."""

import fcntl
import os
import signal
import struct
import subprocess
import termios
import threading

import pyte
from stokerd import SANITIZER_REPORT, wait_until


class Terminal:
    """One program and its screen; what it writes is read by a thread."""

    def __init__(self, words, columns=80, rows=24, **environment):
        self.master, slave = os.openpty()
        self.slave = slave  # kept, so that its modes can be read after the program's end
        self.modes_before = termios.tcgetattr(slave)
        self.resize(columns, rows)
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            [str(word) for word in words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            # What pyte knows is the console of Linux.
            env={**os.environ, "TERM": "linux", "LC_ALL": "C.UTF-8", **environment},
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            with self.lock:
                self.written += data
                self.stream.feed(data)

    def resize(self, columns, rows):
        """Change the size, as a window does; the program is told by a signal."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if hasattr(self, "screen"):
            with self.lock:
                self.screen.resize(rows, columns)
            self.process.send_signal(signal.SIGWINCH)

    def lines(self):
        with self.lock:
            return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def press(self, keys):
        os.write(self.master, keys)

    def wait_for(self, words, timeout_s=20):
        """Wait until words are on the screen; the screen."""

        def shown():
            text = self.text()
            return text if words in text else None

        try:
            return wait_until(shown, words, timeout_s)
        except AssertionError:
            raise AssertionError(f"no '{words}' on the screen:\n{self.text()}") from None

    def wait_without(self, words, timeout_s=20):
        wait_until(lambda: words not in self.text(), f"the screen without {words}", timeout_s)

    def wait_exit(self, timeout_s=20):
        """The exit status; the terminal must be as it was."""
        wait_until(lambda: self.process.poll() is not None, "the end", timeout_s)
        assert SANITIZER_REPORT.search(self.written.decode(errors="replace")) is None, self.text()
        assert termios.tcgetattr(self.slave) == self.modes_before
        return self.process.returncode

    def has_cursor(self):
        with self.lock:
            return not self.screen.cursor.hidden

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        self.reader.join(5)
        os.close(self.master)
