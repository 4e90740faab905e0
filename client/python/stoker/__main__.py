"""The command: python -m stoker bench | show URL/STREAM."""

import argparse
import os
import sys
from typing import Any, List, NoReturn, Optional

from . import bench
from ._client.limits import PROTOCOL_VERSION
from .errors import Error
from .memory import keep_memory
from .show import show
from .version import VERSION


class _Parser(argparse.ArgumentParser):
    """A mistake is told as `stoker` tells it."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"stoker: {message}; see {self.prog} --help\n")
        sys.exit(2)


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


_number.__name__ = "number"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m stoker", description=__doc__)
    parser.add_argument(
        "--version", action="version", version=f"stoker {VERSION}, protocol {PROTOCOL_VERSION}"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="bench | show")
    purpose = "receive batches as a trainer would, and measure"
    command = commands.add_parser("bench", help=purpose, description=purpose)
    _add_place(command)
    amount = command.add_mutually_exclusive_group()
    amount.add_argument("--epochs", type=_number, default=0, help="receive N epochs (default 1)")
    amount.add_argument("--batches", type=_number, default=0, help="receive N batches instead")
    command.add_argument("--rank", type=_number, default=0, help="be trainer R of W (default 0)")
    command.add_argument("--world", type=_number, default=1, help="of W trainers (default 1)")
    command.add_argument("--window", type=_number, default=8, help="requests in flight (default 8)")
    command.add_argument(
        "--heartbeat",
        type=_number,
        default=5000,
        metavar="MS",
        help="leave an endpoint that is silent for so long (default 5000)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    purpose = "draw one batch as a contact sheet, with Pillow"
    command = commands.add_parser("show", help=purpose, description=purpose)
    _add_place(command)
    command.add_argument("--out", default="sheet.png", help="where to (default sheet.png)")
    return parser


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument("url", metavar="URL/STREAM")
    command.add_argument("--epoch", type=_number, default=0, help="begin there (default 0)")
    command.add_argument("--step", type=_number, default=0, help="and there in it (default 0)")
    command.add_argument(
        "--timeout", type=float, default=30.0, help="seconds to wait for an answer (default 30)"
    )
    command.add_argument(
        "--server-key", metavar="FILE", help="the public key of a daemon with keys"
    )
    command.add_argument("--key", metavar="FILE", help="the secret key that says who you are")


def _bench(words: argparse.Namespace) -> int:
    keep_memory()
    if words.epochs == 0 and words.batches == 0:
        words.epochs = 1
    names = ("epoch", "step", "epochs", "batches", "rank", "world", "window", "timeout")
    options = {name: getattr(words, name) for name in names}
    figures = bench.measure(words.url, {**options, "heartbeat": words.heartbeat / 1e3})
    print(bench.as_json(words, figures) if words.json else bench.table(words.url, figures).rstrip())
    return 0


def _show(words: argparse.Namespace) -> int:
    print(show(words.url, words.epoch, words.step, words.out, words.timeout))
    return 0


def main(arguments: Optional[List[str]] = None) -> int:
    words = _parser().parse_args(arguments)
    for variable, key in (("STOKER_SERVER_KEY", words.server_key), ("STOKER_KEY", words.key)):
        if key is not None:
            os.environ[variable] = key
    run: Any = _bench if words.command == "bench" else _show
    try:
        return int(run(words))
    except Error as failed:
        sys.stderr.write(f"stoker: {failed}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
