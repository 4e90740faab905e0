"""A client's keys, found as libstoker finds them: in the options, in STOKER_SERVER_KEY and
STOKER_KEY, or in the user's files, which are for tcp to other hosts alone."""

import os
import re
import stat
from typing import List, NamedTuple, Optional

import zmq

from ..errors import ForbiddenError, InvalidError, SystemCallError

# In the order of their values.
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
KEY_LEN, GROUP_LEN = 40, 5  # characters; each group stands for four bytes
_LINE = re.compile(rb"^[ \t]*(public|secret)-key[ \t]*=[ \t]*(.*?)[ \t\r]*$", re.M)
FILE_BYTES_MAX = 16384


class Keys(NamedTuple):
    """Where there is a server's key; a pair of the client's belongs to it."""

    everywhere: bool  # on this host too
    server: bytes
    public: bytes
    secret: bytes

    def are_for(self, endpoint: str) -> bool:
        return self.everywhere or not _is_this_host(endpoint)

    def __repr__(self) -> str:
        return f"Keys(public={self.public!r})"


def _is_this_host(endpoint: str) -> bool:
    """As the daemon judges it."""
    host = endpoint[len("tcp://") :] if endpoint.startswith("tcp://") else None
    return host is None or re.match(r"localhost:|\[::1\]:|127\.[0-9.]*:", host) is not None


def _user_file(name: str) -> Optional[str]:
    config = os.environ.get("XDG_CONFIG_HOME", "")
    if not config.startswith("/"):
        home = os.environ.get("HOME", "")
        if not home.startswith("/"):
            return None
        config = os.path.join(home, ".config")
    path = os.path.join(config, "stoker", name)
    return path if os.path.exists(path) else None


def _is_key(text: bytes) -> bool:
    if len(text) != KEY_LEN or not all(each in _Z85 for each in text):
        return False
    for start in range(0, KEY_LEN, GROUP_LEN):
        value = 0
        for each in text[start : start + GROUP_LEN]:
            value = value * 85 + _Z85.index(each)
        if value >= 1 << 32:
            return False
    return True


def _read_file(path: str, secret: bool) -> bytes:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(FILE_BYTES_MAX + 1)
    except OSError as failed:
        reason = f'cannot read the key file "{path}": {failed.strerror}'
        raise SystemCallError(reason) from None
    if secret and mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise ForbiddenError(
            f'others can use the secret key in "{path}"; chmod 600 that file, and make a new key '
            "if somebody may have read it"
        )
    wanted = b"secret" if secret else b"public"
    found: List[bytes] = [
        value.strip(b"\"'") for which, value in _LINE.findall(text) if which == wanted
    ]
    if not found:
        raise InvalidError(f'"{path}" holds no {wanted.decode()} key; stoker keygen makes one')
    if len(text) > FILE_BYTES_MAX or not _is_key(found[-1]):
        raise InvalidError(f'"{path}" has a value that is no key, or too long')
    return found[-1]


def _read(text: str, secret: bool) -> bytes:
    """A file's key, or the key that a text is."""
    if not os.path.exists(text) and _is_key(os.fsencode(text)):
        return os.fsencode(text)
    return _read_file(text, secret)


def find_keys(server_key: Optional[str] = None, key: Optional[str] = None) -> Optional[Keys]:
    """None where there is no server's key: the daemon has none."""
    server = os.fspath(server_key or "") or os.environ.get("STOKER_SERVER_KEY", "")
    own = os.fspath(key or "") or os.environ.get("STOKER_KEY", "")
    everywhere = server != ""
    server = server or _user_file("server.key") or ""
    if not server and own:
        raise InvalidError(
            "there is a key, but no server_key: a client proves itself only to a daemon that it "
            "knows by the daemon's public key"
        )
    if not server:
        return None
    own = own or _user_file("client.key_secret") or ""
    known = _read(server, False)
    if not own:
        public, secret = zmq.curve_keypair()
    else:
        secret = _read(own, True)
        public = zmq.curve_public(secret)
    return Keys(everywhere, known, public, secret)
