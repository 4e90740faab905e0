#!/usr/bin/env python3
"""Hold the source to the rules of the house: run from the root of the checkout.

Prints a line a finding and exits 1 if there is one.
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

# Data flows down this list; a folder, or a file that is named, includes itself and what stands
# above it here.
ABOVE = {
    "proto": [],
    "config": ["proto"],
    "daemon/base": ["proto"],
    "daemon/source": ["proto", "config", "daemon/base"],
    "daemon/plan": ["proto", "config", "daemon/base"],
    "daemon/image": ["proto", "config", "daemon/base", "daemon/plan"],
    "daemon/index": ["proto", "daemon/base", "daemon/source", "daemon/plan", "daemon/image"],
    "daemon/transform": ["proto", "config", "daemon/base", "daemon/plan", "daemon/image"],
    "daemon/mix": ["proto", "config", "daemon/base", "daemon/plan"],
    "daemon/batch": ["proto", "config", "daemon/base", "daemon/plan"],
    "daemon": [
        "proto",
        "config",
        "daemon/base",
        "daemon/source",
        "daemon/plan",
        "daemon/image",
        "daemon/index",
        "daemon/transform",
        "daemon/mix",
        "daemon/batch",
    ],
    "daemon/server": [
        "proto",
        "config",
        "daemon/base",
        "daemon/source",
        "daemon/plan",
        "daemon/batch",
        "daemon",
    ],
    "daemon/main.c": ["proto", "config", "daemon/base", "daemon", "daemon/server"],
    "client": ["proto", "daemon/base"],  # CHECK and the clock, which are headers alone
    "client/command": ["proto", "daemon/base", "client"],
    # What the daemon reads, the doctor reads with the daemon's code.
    "client/doctor": [
        "proto",
        "config",
        "daemon/base",
        "daemon/source",
        "daemon/plan",
        "daemon/image",
        "daemon/index",
        "daemon",
        "client",
        "client/command",
    ],
    "client/examples": ["proto", "client"],
}

# A library's header is included by one module alone; its codes travel no further.
OWNERS = {
    "zmq.h": r"daemon/server/\w+\.c|client/\w+\.[ch]|tests/(fake_daemon\.h|bench/loopback\.c)",
    "uv.h": r"daemon/server/\w+\.[ch]",
    "microhttpd.h": r"daemon/server/http\w*\.[ch]",
    "jpeglib.h": r"daemon/image/((de|en)code\.c|jpeg_frame\.c|jpeg_memory\.[ch])|tests/.*",
    "confuse.h": r"config/config\.c",
    "msgpack.h": r"proto/(encode|decode\w*)\.c|proto/reader\.h",
    "Random123/philox.h": r"daemon/base/rng\.c",
    "systemd/sd-daemon.h": r"daemon/notify_systemd\.c",
    "jansson.h": r"client/(command|doctor)/\w+\.[ch]",
    "curses.h": r"client/command/top_screen\.c",
    "term.h": r"client/command/top_screen\.c",
    "cairo.h": r"client/command/drawing\.c|tests/check_sheet\.c",
}

# What daemon/page may not hold: it works offline, and a stranger's name stays a text.
SVG_NAMESPACE = '"http://www.w3.org/2000/svg"'
PAGE_FORBIDDEN = {
    "a reference to another host": r"https?:|[\"'(]//|@import",
    "a string becomes markup": r"innerHTML|outerHTML|insertAdjacentHTML|srcdoc|DOMParser|setHTML"
    r"|createContextualFragment|document\.write",
    "a string becomes a program": r"\beval\b|\bFunction\(|javascript:"
    r"|set(?:Timeout|Interval)\([\"'`]",
    "a note to come back": r"\bconsole\.|\bdebugger\b|\balert\(",
}
PAGE_BYTES_MAX = 100_000

LINES_MAX = 600
COLUMNS_MAX = 100
LIMITED = (".c", ".h", ".py", ".html", ".css", ".js", ".svg")
FORMATTER_MAJOR = "14"  # other versions format otherwise

findings = []


def found(path, line, what):
    findings.append(f"{path}:{line}: {what}")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def tracked(*patterns):
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns)
    return [Path(name) for name in listed.stdout.split("\n") if name and Path(name).exists()]


def check_include(path, number, name):
    owner = OWNERS.get(name)
    if owner and not re.fullmatch(owner, str(path)):
        found(path, number, f"<{name}> is another module's to include")
    folder = str(path.parent)
    system = name.startswith(("Random123/", "arpa/", "linux/", "netinet/", "sys/", "systemd/"))
    above = ABOVE.get(str(path), ABOVE.get(folder))
    if above is None or "/" not in name or system:
        return
    target = str(Path(name).parent)
    if target != folder and target not in above:
        found(path, number, f"{folder}/ may not include {target}/, which does not stand above it")


def check_text(path):
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    if path.suffix in LIMITED and len(lines) > LINES_MAX + 1:
        found(path, len(lines), f"more than {LINES_MAX} lines: is there a wall missing?")
    for number, line in enumerate(lines, 1):
        if path.suffix in LIMITED and len(line) > COLUMNS_MAX:
            found(path, number, f"more than {COLUMNS_MAX} columns")
        if re.match(r"(<{7}|>{7}) ", line):
            found(path, number, "two versions of a merge, of which one is to be chosen")
        if line != line.rstrip():
            found(path, number, "white space at the end")
        if re.search(r"\b(TODO|FIXME|XXX)\b", line) and path.name != "lint.py":
            found(path, number, "a note to come back instead of the part itself")
        include = re.match(r'#include ["<]([^">]+)[">]', line)
        if include:
            check_include(path, number, include.group(1))


def check_header_alone(path, flags):
    result = run(
        "cc",
        "-std=c17",
        "-D_GNU_SOURCE",
        "-I.",
        *flags,
        "-fsyntax-only",
        "-x",
        "c",
        "-include",
        str(path),
        "/dev/null",
    )
    if result.returncode != 0:
        found(path, 1, "does not compile alone: " + result.stderr.split("\n")[0])


def check_format(sources):
    version = run("clang-format", "--version").stdout
    if f"version {FORMATTER_MAJOR}." not in version:
        print(f"skipped: the format, which is clang-format {FORMATTER_MAJOR}'s")
        return
    for path in sources:
        for line in run("clang-format", "-n", str(path)).stderr.split("\n"):
            if "warning:" in line:
                findings.append(line)


def check_tool(name, command, paths):
    if not shutil.which(name):
        print(f"skipped: {name} is not installed")
        return
    result = run(*command, *map(str, paths))
    if result.returncode != 0:
        findings.append(f"{name}: " + (result.stdout + result.stderr).strip())


def check_units():
    """The units as they would be installed, with programs that exist here."""
    units = []
    for name in ("stokerd.service", "stokerd.socket"):
        text = Path("systemd", name).read_text()
        text = text.replace("@PREFIX@/sbin/stokerd", "/bin/true")
        text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
        units.append(Path("build/lint", name))
        units[-1].parent.mkdir(parents=True, exist_ok=True)
        units[-1].write_text(text)
    units = [unit.resolve() for unit in units]
    check_tool("systemd-analyze", ["systemd-analyze", "verify"], units)


def check_figures():
    """Every figure of the table is explained to the operator."""
    page = Path("daemon/stokerd.8").read_text()
    table = Path("daemon/base/figures.h").read_text()
    for name in re.findall(r"X\((\w+), (?:COUNTER|GAUGE)", table):
        if not re.search(rf"\b{name}\b", page):
            found("daemon/stokerd.8", 1, f"figure {name} is not explained")


def check_events():
    """Every event of the log is in the operator's list of them."""
    path = Path("daemon/stokerd.8")
    listed = path.read_text().partition(".Ss Events\n")[2].partition(".Ss ")[0]
    called = r'\b(?:LOG|log_\w+)\((?:\s*\w+,)?\s*"(\w+\.\w+)"'
    for source in tracked("daemon/*.c"):
        for event in re.findall(called, source.read_text()):
            if not re.search(rf"^\.It .*(?<!\S){re.escape(event)}(?!\S)", listed, re.M):
                found(path, 1, f"event {event} of {source} is not listed")


def check_promises():
    """Every test that PROTOCOL.md names behind a promise is there."""
    page = Path("proto/PROTOCOL.md")
    lines = page.read_text().split("\n")
    begin = next(i for i, line in enumerate(lines) if line.endswith("What is promised"))
    files = tracked("tests/check_*.c", "tests/integration/test_*.py")
    tests = set(re.findall(r"(?:START_TEST\(|\ndef )(\w+)", "".join(f.read_text() for f in files)))
    for number, line in enumerate(lines[begin:], begin + 1):
        for name in re.findall(r"`(\w+_\w+_\w+_\w+)`", line):
            if name not in tests:
                found(page, number, f"there is no test {name}")


def check_types():
    """The Python package's type hints hold, in mypy's strict mode."""
    options = ["--config-file=client/python/pyproject.toml", "--cache-dir=build/lint/mypy"]
    check_tool("mypy", ["mypy", *options], ["client/python/stoker"])


def check_page():
    """The page of the daemon loads nothing from elsewhere, and makes markup of no string."""
    files = tracked("daemon/page/*")
    names = {path.name for path in files}
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    markup = "".join(text for path, text in texts.items() if path.suffix == ".html")
    for path, text in texts.items():
        for number, line in enumerate(text.split("\n"), 1):
            check_page_line(path, number, line, names, markup)
    if sum(len(text.encode()) for text in texts.values()) > PAGE_BYTES_MAX:
        found("daemon/page", 1, f"more than {PAGE_BYTES_MAX} bytes together")


def check_page_line(path, number, line, names, markup):
    for what, pattern in PAGE_FORBIDDEN.items():
        if re.search(pattern, line.replace(SVG_NAMESPACE, "")):
            found(path, number, what)
    if path.suffix == ".html" and re.search(
        r"\s(on\w+|style)=|<style|<script(?! type=\S+ src=)", line
    ):
        found(path, number, "style and script have files of their own")
    for name in re.findall(r'(?:\b(?:src|href)=|from )"(?:\./)?([^"#]+)"', line):
        if name not in names:
            found(path, number, f"there is no {name} in daemon/page")
    for name in re.findall(r'\b(?:byId|clone)\("([^"]+)"\)', line):
        if f'id="{name}"' not in markup:
            found(path, number, f"nothing in the markup has the id {name}")
    for name in re.findall(r'\bpart\([^()]*(?:\([^()]*\))?[^()]*, "([^"]+)"\)', line):
        if f'data-part="{name}"' not in markup:
            found(path, number, f"nothing in the markup is the part {name}")


def check_version():
    """The Python package has the version of the rest."""
    wanted = re.search(r"^VERSION := (\S+)$", Path("Makefile").read_text(), re.M)[1]
    path = Path("client/python/stoker/version.py")
    if f'VERSION = "{wanted}"\n' not in path.read_text():
        found(path, 1, f"the Makefile's version is {wanted}")


def main():
    sources = tracked("*.c", "*.h")
    for path in sources + tracked(
        "*.py", "*.sh", "*.md", "Makefile", "tests/run", ".ci/*", "daemon/page/*"
    ):
        check_text(path)
    flags = run("pkg-config", "--cflags", "libuv", "libzmq", "jansson", "cairo").stdout.split()
    for path in sources:
        if path.suffix == ".h":
            check_header_alone(path, flags)
    check_format(sources)
    check_figures()
    check_events()
    check_promises()
    check_page()
    check_version()
    check_tool(
        "shellcheck",
        ["shellcheck"],
        [
            ".ci/packages",
            ".ci/run",
            "tests/run",
            "tests/demo/run",
            "tests/fuzz/run",
            "systemd/after-install",
            "systemd/build-deb",
            "systemd/debian/list-symbols",
            "tests/deb/run",
            "tests/deb/inside",
            "client/completion/stoker.bash",
        ],
    )
    check_tool(
        "mandoc",
        ["mandoc", "-Tlint", "-Wwarning"],
        tracked("*.[1-8]"),
    )
    check_types()
    check_units()
    for finding in findings:
        print(finding)
    print(f"lint: {len(sources)} C files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
