"""URLs: "tcp://node{1..4}:7654/train" to endpoints and a stream's name.

Only what is written is judged; nothing is resolved or opened.
"""

import re
from typing import Iterator, List, NamedTuple, Tuple

from ..errors import InvalidError, tame
from .limits import NAME_BYTES_MAX

PORT = 7654
ENDPOINTS_MAX = 16
ENDPOINT_BYTES_MAX = 279
HOST_BYTES_MAX = 255  # DNS's limit
SOCKET_BYTES_MAX = 107  # a path in sockaddr_un, without its end mark
DIGITS_MAX = 9  # of a number in a range

# A stream's name is made of what a host's name is made of; IPv6 with an interface behind '%'.
_HOST = re.compile(r"\[[A-Za-z0-9._:%-]+\]|[A-Za-z0-9._-]+", re.ASCII)
_PORT = re.compile(r":([0-9]{1,5})", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


class Url(NamedTuple):
    endpoints: Tuple[str, ...]  # as libzmq takes them
    stream: str


def fail(sentence: str) -> InvalidError:
    return InvalidError(tame(sentence))


# Braces: what a shell's do, as far as it makes sense for endpoints.


def _group_fail(inside: str, whole: str, what: str) -> InvalidError:
    return fail(f"'{{{inside}}}' in '{whole}' {what}")


def _range(inside: str, whole: str) -> Iterator[str]:
    first, last = inside.split("..", 1)
    for number in (first, last):
        if not re.fullmatch(f"[0-9]{{1,{DIGITS_MAX}}}", number, re.ASCII):
            raise _group_fail(inside, whole, "is no range of numbers: write {1..4}")
    if int(first) > int(last):
        raise _group_fail(inside, whole, "counts down: write the smaller number first")
    for each in range(int(first), int(last) + 1):
        yield f"{each:0{len(first)}}"


def _list(inside: str, whole: str) -> Iterator[str]:
    for item in inside.split(","):
        if item == "":
            raise _group_fail(inside, whole, "has a place with nothing in it")
        yield item


def _group(inside: str, whole: str) -> Iterator[str]:
    if "{" in inside:
        raise _group_fail(inside, whole, "has braces inside braces")
    if "," in inside:
        return _list(inside, whole)
    if ".." in inside:
        return _range(inside, whole)
    raise _group_fail(inside, whole, "is neither a range as {1..4} nor a list as {a,b}")


def expand(text: str, whole: str = "") -> Iterator[str]:
    """The texts that one with braces stands for, the last group changing first."""
    whole = whole or text
    brace = re.search(r"[{}]", text)
    if brace is None:
        if len(text.encode()) > ENDPOINT_BYTES_MAX:
            raise fail(f"'{whole}' is longer than {ENDPOINT_BYTES_MAX} bytes")
        yield text
        return
    close = text.find("}", brace.start())
    if brace[0] == "}" or close < 0:
        what = "closes a brace that nobody opened"
        if brace[0] == "{":
            what = "opens a brace that nobody closes"
        raise fail(f"'{text[brace.start():]}' in '{whole}' {what}")
    for chosen in _group(text[brace.end() : close], whole):
        # What was chosen has no braces, so that they are not looked at a second time.
        for behind in expand(text[close + 1 :], whole):
            yield text[: brace.start()] + chosen + behind


# Endpoints.


def _tcp_endpoint(text: str) -> str:
    authority = text[len("tcp://") :]
    host = _HOST.match(authority)
    if host is None or host.end() > HOST_BYTES_MAX or _cut_short(authority, host.end()):
        raise fail(f"'{text}' names no host: write tcp://HOST:PORT")
    if host.end() == len(authority):
        return f"{text}:{PORT}"
    port = _PORT.fullmatch(authority, host.end())
    if port is None or not 1 <= int(port[1]) <= 65535:
        raise fail(f"'{text}' has no port between 1 and 65535 behind its host")
    return text


def _cut_short(authority: str, end: int) -> bool:
    """Whether the host went on with a character that no host has."""
    return not authority.startswith("[") and authority[end : end + 1] not in ("", ":")


def _ipc_endpoint(text: str) -> str:
    path = text[len("ipc://") :]
    if len(path.encode()) < 2 or path[0] not in "/@":
        raise fail(f"'{text}' names no socket: write ipc:///PATH with the socket's whole path")
    if len(path.encode()) > SOCKET_BYTES_MAX:
        raise fail(f"the socket's path in '{text}' is longer than {SOCKET_BYTES_MAX} bytes")
    return text


def endpoint_of(text: str) -> str:
    """An endpoint without a stream as libzmq takes it: "tcp://host" gets the default port."""
    if "\0" in text:
        raise fail(f"'{text}' starts with neither tcp:// nor ipc://")
    if text.startswith("tcp://"):
        return _tcp_endpoint(text)
    if text.startswith("ipc://"):
        return _ipc_endpoint(text)
    raise fail(f"'{text}' starts with neither tcp:// nor ipc://")


def _split(text: str) -> List[str]:
    """At the commas that separate endpoints, not a list's in braces."""
    parts, inside = [""], False
    for each in text:
        inside = each == "{" or (inside and each != "}")
        if each == "," and not inside:
            parts.append("")
        else:
            parts[-1] += each
    return parts


def _add(endpoints: List[str], text: str) -> None:
    for expanded in expand(text):
        if len(endpoints) == ENDPOINTS_MAX:
            raise fail(f"the url has more than {ENDPOINTS_MAX} endpoints: '{expanded}' is too many")
        endpoint = endpoint_of(expanded)
        if endpoint in endpoints:
            raise fail(f"the url names '{endpoint}' twice")
        endpoints.append(endpoint)


def parse(text: str) -> Url:
    """Take a stream's URL apart; raises InvalidError with the part that makes no sense."""
    if type(text) is not str:
        raise InvalidError(f"the url {text!r} is no text")
    endpoints: List[str] = []
    *before, last = _split(text)
    for part in before:
        _add(endpoints, part)
    slash = last.rfind("/", len("xxx://"))
    stream = last[slash + 1 :] if slash >= 0 else ""
    if stream == "":
        raise fail(
            f"the url '{last}' names no stream: write ENDPOINT/STREAM, e.g. tcp://host:7654/train"
        )
    if len(stream.encode()) > NAME_BYTES_MAX or not _NAME.fullmatch(stream):
        raise fail(
            f"'{stream}' is no stream's name: up to {NAME_BYTES_MAX} letters, digits, "
            "'.', '_' and '-'"
        )
    _add(endpoints, last[:slash])
    return Url(tuple(endpoints), stream)
