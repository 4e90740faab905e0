"""Keys for daemons and clients under test, made by the stoker command, and fixtures with them."""

import os

import pytest
from command import stoker
from stokerd import quoted


class Keys:
    """A folder with the daemon's pair, and one with the clients' public keys."""

    def __init__(self, folder):
        self.folder = os.fspath(folder)
        self.clients = os.path.join(self.folder, "clients")
        os.mkdir(self.clients)
        self.server = self.make("server")

    def make(self, name, *words):
        """A pair; the path of its public file."""
        path = os.path.join(self.folder, f"{name}.key")
        stoker("keygen", path, *words)
        return path

    def admit(self, name, *words):
        """A pair whose public key the daemon gets; the path of the client's secret one."""
        path = self.make(name, *words)
        os.link(path, os.path.join(self.clients, f"{name}.key"))
        return path + "_secret"

    def remove(self, name):
        os.unlink(os.path.join(self.clients, f"{name}.key"))

    @property
    def settings(self):
        return dict(server_key=quoted(self.server + "_secret"), client_keys=quoted(self.clients))

    def words(self, key=None):
        """The command's options for a client with this secret key."""
        return ["--server-key", self.server, *(["--key", key] if key else [])]


@pytest.fixture(autouse=True)
def config_home(monkeypatch, tmp_path):
    """Whoever runs the tests may have keys of their own."""
    monkeypatch.delenv("STOKER_SERVER_KEY", raising=False)
    monkeypatch.delenv("STOKER_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path)
