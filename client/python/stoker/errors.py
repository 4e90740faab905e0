"""Errors: an exception for each status of the C library, with the same code and the same words."""

import builtins


class Error(Exception):
    """What failed and what to do, as one sentence; `code` is the status' word on the wire."""

    code: str = "invalid"


class TimeoutError(Error, builtins.TimeoutError):
    """No answer in time; asking again goes on waiting."""

    code = "timeout"


class ClosedError(Error):
    """The stream was closed, or belongs to the process that this one was forked from."""

    code = "closed"


class MemoryError(Error, builtins.MemoryError):
    """The daemon is out of memory."""

    code = "memory"


class SystemCallError(Error):
    """A system call failed, here or at the daemon."""

    code = "system"


class InvalidError(Error):
    """An argument that makes no sense, or a daemon that broke the protocol."""

    code = "invalid"


class VersionError(Error):
    """The daemon speaks another major version of the protocol, or a state has another one."""

    code = "version"


class UnknownKindError(Error):
    """The daemon does not know this kind of request: it is older."""

    code = "unknown_kind"


class UnknownStreamError(Error):
    """The daemon has no such stream."""

    code = "unknown_stream"


class RangeError(Error):
    """Outside the epoch, or the classes."""

    code = "range"


class FingerprintError(Error):
    """The daemon serves other data than the one pinned, or than a state's."""

    code = "fingerprint"


class WindowError(Error):
    """More requests in flight than the window granted."""

    code = "window"


class LimitError(Error):
    """Over a limit of the protocol."""

    code = "limit"


class CorruptError(Error):
    """A sample that cannot be decoded, in a stream that says on_corrupt = fail."""

    code = "corrupt"


class UnsupportedError(Error):
    """A kind of picture that the daemon cannot decode."""

    code = "unsupported"


class UnreadableError(Error):
    """A file that the daemon cannot read."""

    code = "unreadable"


class OverloadedError(Error):
    """The daemon has no room for this now."""

    code = "overloaded"


class DrainingError(Error):
    """The daemon is shutting down."""

    code = "draining"


class ForbiddenError(Error):
    """The key is not let in, or not for this stream; or one end has keys and the other has none."""

    code = "forbidden"


_CLASSES = {
    each.code: each
    for each in (
        ClosedError,
        MemoryError,
        SystemCallError,
        InvalidError,
        VersionError,
        UnknownKindError,
        UnknownStreamError,
        RangeError,
        FingerprintError,
        WindowError,
        LimitError,
        CorruptError,
        UnsupportedError,
        UnreadableError,
        OverloadedError,
        DrainingError,
        ForbiddenError,
    )
}

# What a daemon that said this may say otherwise in a moment.
_PASSING = (DrainingError, OverloadedError, WindowError, MemoryError, SystemCallError)


def error_of_code(code: str, message: str) -> Error:
    """The exception of a daemon's code; a code that is not known counts as `invalid`.

    `timeout` and `end` mean something between a client and its user only, and are not for a
    daemon to say.
    """
    return _CLASSES.get(code, InvalidError)(tame(message))


def passes(error: Error) -> bool:
    """Whether a daemon that said this may say something else in a moment."""
    return isinstance(error, _PASSING)


def _is_obeyed(number: int) -> bool:
    """Controls, ends of a line or a paragraph, and what turns a direction."""
    return (
        number <= 0x1F
        or 0x7F <= number <= 0x9F
        or 0x2028 <= number <= 0x202E
        or 0x2066 <= number <= 0x2069
        or number in (0x061C, 0x200E, 0x200F)
    )


def tame(text: str) -> str:
    """A stranger's text with a '?' for every byte that would steer a terminal."""
    return "".join("?" * len(each.encode()) if _is_obeyed(ord(each)) else each for each in text)
