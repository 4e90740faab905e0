"""Keys: who is let in, to what, and what everybody else is told."""

import grp
import os
import re
import stat

import pytest
import wire
import zmq.auth
from command import RECIPE, finish, launch_stoker, refused, sentence, stoker
from keys import config_home, keys  # noqa: F401
from stokerd import SLOW, quoted, stream_text, wait_until
from test_messages import golden

TIMEOUT = ["--timeout", round(2 * SLOW)]


@pytest.fixture
def keyed(daemon, small, keys):
    """Start a daemon on loopback, first with keys, then without."""

    def keyed(**settings):
        text = stream_text("train", small, RECIPE) + stream_text("valid", small, RECIPE)
        listen = ["tcp://127.0.0.1:* keys=yes", "tcp://127.0.0.2:*"]
        return daemon(text, listen=listen, settings=keys.settings | settings)

    return keyed


def figure(one, name):
    """Of a daemon's second endpoint, where everybody may ask."""
    pattern = rf"^{name} +(\d+)$"
    return int(re.search(pattern, stoker("stats", one.endpoints[1]), re.M)[1])


def streams_of(one):
    """The streams of a daemon's configuration, as they stand in it."""
    with open(one.config) as file:
        text = file.read()
    return text[text.index("stream train") :]


def digest(endpoint, *words):
    return stoker("get", f"{endpoint}/train", "--digest", *words)


# Files.


def test_a_secret_key_is_for_its_owner_alone(keys):
    secret = os.stat(keys.server + "_secret")
    assert stat.S_IMODE(secret.st_mode) == 0o600
    assert "secret" not in open(keys.server).read().lower()


def test_keygen_overwrites_nothing(keys):
    before = open(keys.server).read(), open(keys.server + "_secret").read()
    assert "exists" in refused("keygen", keys.server)
    os.unlink(keys.server + "_secret")
    assert "exists" in refused("keygen", keys.server)
    assert open(keys.server).read() == before[0]
    assert not os.path.exists(keys.server + "_secret")


def test_pyzmq_reads_our_keys(keys):
    public, none = zmq.auth.load_certificate(keys.server)
    assert none is None
    assert zmq.auth.load_certificate(keys.server + "_secret")[0] == public
    secret = zmq.auth.load_certificate(keys.server + "_secret")[1]
    assert zmq.curve_public(secret) == public


def test_we_read_keys_of_pyzmq(keyed, keys, tmp_path):
    own = tmp_path / "theirs"
    own.mkdir()
    public, secret = zmq.auth.create_certificates(own, "carol", metadata={"streams": "valid train"})
    os.link(public, os.path.join(keys.clients, "carol.key"))
    os.chmod(secret, 0o600)  # which pyzmq leaves to the umask
    one = keyed()
    assert digest(one.endpoint, *keys.words(secret)) == digest(one.endpoints[1])


def test_a_secret_key_that_others_can_read_is_refused(launch, small, keys):
    key = keys.admit("alice")
    os.chmod(key, 0o644)
    error = refused("streams", "tcp://127.0.0.1:1", *keys.words(key))
    assert f'others can use the secret key in "{key}"; chmod 600' in error
    os.chmod(keys.server + "_secret", 0o604)
    one = launch(stream_text("train", small, RECIPE), settings=keys.settings)
    assert one.wait_exit() == 2
    assert '"server_key": others can use the secret key' in one.stderr


@pytest.mark.parametrize("text", ["", "curve\n", 'public-key = "short"\n', "\0"])
def test_a_file_that_is_no_key_is_named(launch, small, keys, text):
    path = os.path.join(keys.clients, "alice.key")
    with open(path, "w") as file:
        file.write(text)
    one = launch(stream_text("train", small, RECIPE), settings=keys.settings)
    assert one.wait_exit() == 2
    assert f'"{path}" ' in one.stderr


def test_two_clients_with_one_key_are_named(launch, small, keys):
    keys.admit("alice")
    alice = os.path.join(keys.clients, "alice.key")
    os.link(alice, os.path.join(keys.clients, "bob.key"))
    one = launch(stream_text("train", small, RECIPE), settings=keys.settings)
    assert one.wait_exit() == 2
    assert '"alice"' in one.stderr and '"bob"' in one.stderr and "same key" in one.stderr


# Who is let in.


def test_a_client_with_a_key_is_served_under_its_name(keyed, keys):
    key = keys.admit("alice")
    one = keyed()
    assert digest(one.endpoint, *keys.words(key)) == digest(one.endpoints[1])
    hello = one.wait_log("client.hello")
    assert (hello["user"], hello["address"]) == ("alice", "127.0.0.1")
    assert one.wait_log("client.hello", 2)["user"] == ""


def test_keys_come_from_the_environment_or_the_users_files(keyed, keys, monkeypatch, config_home):
    key = keys.admit("alice")
    one = keyed()
    monkeypatch.setenv("STOKER_SERVER_KEY", keys.server)
    monkeypatch.setenv("STOKER_KEY", key)
    stoker("streams", one.endpoint)
    # A key itself does as well as its file.
    public, secret = zmq.auth.load_certificate(key)
    monkeypatch.setenv("STOKER_SERVER_KEY", zmq.auth.load_certificate(keys.server)[0].decode())
    monkeypatch.setenv("STOKER_KEY", secret.decode())
    stoker("streams", one.endpoint)
    # The user's own key beside a server's key that was named.
    monkeypatch.delenv("STOKER_KEY")
    (config_home / "stoker").mkdir(parents=True)
    os.link(key, config_home / "stoker" / "client.key_secret")
    stoker("streams", one.endpoint)
    # On this host the user's files alone are no reason for keys.
    monkeypatch.delenv("STOKER_SERVER_KEY")
    os.link(keys.server, config_home / "stoker" / "server.key")
    stoker("streams", one.endpoints[1])


def test_a_key_without_the_servers_is_refused(keys):
    key = keys.admit("alice")
    assert "no server_key" in refused("streams", "tcp://127.0.0.1:1", "--key", key)


def test_a_stranger_gets_nothing_and_a_sentence(keyed, keys):
    keys.admit("alice")
    bob, eve = keys.make("bob") + "_secret", keys.make("eve")
    one = keyed()
    url = f"{one.endpoint}/train"
    for words in (["streams", one.endpoint], ["get", url], ["stats", one.endpoint]):
        assert "does not let the key " in refused(*words, *keys.words(bob), *TIMEOUT)
        assert "does not let the key " in refused(*words, *keys.words(), *TIMEOUT)
        assert "asks for a key: set server_key" in refused(*words, *TIMEOUT)
        other = refused(*words, "--server-key", eve, "--key", bob, *TIMEOUT)
        assert "has another key than server_key, " in other
    assert not one.events("client.hello")
    assert figure(one, "requests") == 1
    assert figure(one, "handshakes_refused") >= 10
    lines = one.events("peer.refused")
    assert [line["address"] for line in lines] == ["127.0.0.1"]  # one a minute


def test_a_client_with_keys_is_told_of_a_daemon_without(keyed, keys):
    key = keys.admit("alice")
    one = keyed()
    assert "has no keys" in refused("streams", one.endpoints[1], *keys.words(key), *TIMEOUT)


def test_any_key_of_a_network_is_let_in(keyed, keys):
    one = keyed(client_keys='""', client_addresses='"192.0.2.0/24 127.0.0.0/8"')
    assert digest(one.endpoint, *keys.words()) == digest(one.endpoints[1])
    one.settings |= dict(client_addresses='"192.0.2.0/24"', client_keys=quoted(keys.clients))
    one.reload(streams_of(one))
    assert "does not let the key " in refused("streams", one.endpoint, *keys.words(), *TIMEOUT)


# What for.


def test_a_client_gets_the_streams_of_its_key_alone(keyed, keys):
    key = keys.admit("eve", "--streams", "valid other")
    one = keyed()
    words = keys.words(key)
    assert "valid" in stoker("streams", one.endpoint, *words)
    assert "train" not in stoker("streams", one.endpoint, *words)
    assert "train" not in stoker("stats", one.endpoint, *words)
    stoker("get", f"{one.endpoint}/valid", *words)
    for what in ("get", "labels"):
        error = refused(what, f"{one.endpoint}/train", *words)
        assert 'the stream "train" is not for "eve"; its key is for valid other\n' in error
    error = refused("get", f"{one.endpoint}/other", *words)
    assert 'no stream "other"\n' in error and "train" not in error


def test_a_stranger_is_told_forbidden_on_the_wire(keyed, keys, connect):
    key = keys.admit("eve", "--streams", "valid")
    one = keyed()
    public, secret = zmq.auth.load_certificate(key)
    server = zmq.auth.load_certificate(keys.server)[0]
    curve = dict(curve_serverkey=server, curve_publickey=public, curve_secretkey=secret)
    client = connect(one.endpoint, **curve)
    client.send_raw(wire.encode(dict(k="get", id=7, stream="train", epoch=0, step=0)))
    assert client.receive_raw()[0] == golden("error_forbidden.hex")[1]
    assert client.ask("get", stream="valid", epoch=0, step=0).header["stream"] == "valid"


def test_what_a_peer_without_a_key_says_of_itself_is_no_name(keyed, keys):
    """The daemon keeps whose key a connection has among what a peer may tell too."""
    key = keys.admit("eve", "--streams", "valid")
    one = keyed()
    public = zmq.auth.load_certificate(key)[0].decode()
    peer = wire.RawPeer.connect(one.endpoints[1], User_Id="eve", Stoker_Key=public)
    peer.post("hello", 1, v=wire.VERSION, stream="train", name="", window=1)
    hello = one.wait_log("client.hello")
    assert (hello["user"], hello["stream"]) == ("", "train")
    peer.close()


# Revocation.


def test_a_removed_key_is_cut_off_and_kept_out(keyed, keys):
    alice, bob = keys.admit("alice"), keys.admit("bob")
    one = keyed()
    words = ["bench", f"{one.endpoint}/train", "--batches", 10**9]
    benches = {
        name: launch_stoker(*words, *keys.words(key))
        for name, key in (("alice", alice), ("bob", bob))
    }
    one.wait_log("client.hello", 2)
    keys.remove("alice")
    one.reload(streams_of(one))
    out, error = finish(benches["alice"], 1)
    assert "does not let the key " in sentence(error)
    cut = one.wait_log("client.cut")
    assert (cut["user"], cut["address"]) == ("alice", "127.0.0.1")
    again = one.wait_log("peer.refused")
    assert (again["client"], again["reason"]) == ("alice", "its key was removed")
    sent = figure(one, "batches_sent")
    wait_until(lambda: figure(one, "batches_sent") > sent, "bob's batches")
    assert len(one.events("client.cut")) == 1
    benches["bob"].terminate()
    benches["bob"].communicate()
    keys.admit("carol")
    assert not one.events("reload.refused")


def test_a_removed_key_is_cut_off_before_it_said_a_word(keyed, keys, connect):
    """And who may stay, and said nothing either, is back at once."""
    files = [keys.admit(name) for name in ("alice", "bob")]
    one = keyed()
    server = zmq.auth.load_certificate(keys.server)[0]
    for file in files:
        public, secret = zmq.auth.load_certificate(file)
        connect(
            one.endpoint, curve_serverkey=server, curve_publickey=public, curve_secretkey=secret
        )
    watcher = connect(one.endpoints[1])
    wait_until(lambda: watcher.stats()["connections"] == 3, "the handshakes")
    keys.admit("carol")
    one.reload(streams_of(one))
    assert watcher.stats()["connections"] == 3, "nobody is kept out"
    keys.remove("alice")
    one.reload(streams_of(one))
    again = one.wait_log("peer.refused")
    assert (again["client"], again["reason"]) == ("alice", "its key was removed")
    wait_until(lambda: watcher.stats()["connections"] == 2, "bob's return")
    assert not one.events("client.cut")


def test_a_file_that_is_no_key_refuses_the_reload(keyed, keys):
    key = keys.admit("alice")
    one = keyed()
    with open(os.path.join(keys.clients, "bob.key"), "w") as file:
        file.write("nothing\n")
    assert "bob.key" in one.reload_refused(streams_of(one))
    stoker("streams", one.endpoint, *keys.words(key))


# The daemon's own key.


def public_key(path):
    return zmq.auth.load_certificate(path)[0].decode()


def test_another_key_of_the_daemon_waits_for_a_restart_and_is_told(keyed, keys):
    alice = keys.admit("alice")
    one = keyed()
    old, other = public_key(keys.server), keys.make("other") + "_secret"
    one.reload(streams_of(one))
    assert one.events("setting.held") == []
    one.reload(streams_of(one), server_key=quoted(other))
    held = one.events("setting.held")[0]
    assert (held["key"], held["running"], held["configured"]) == (
        "server_key", old, public_key(other),
    )  # fmt: skip
    stoker("streams", one.endpoint, *keys.words(alice))
    # The old path with another key in it is no way around.
    os.replace(other, keys.server + "_secret")
    one.reload(streams_of(one), server_key=quoted(keys.server + "_secret"))
    assert len(one.events("setting.held")) == 2
    more = [*one.listen, "tcp://127.0.0.3:* keys=yes"]
    reason = one.reload_refused(streams_of(one), listen=more)
    assert "another key than the endpoints that are bound: restart" in reason
    stoker("streams", one.endpoint, *keys.words(alice))


def test_a_reload_brings_the_first_key(daemon, small, keys):
    alice = keys.admit("alice")
    one = daemon(stream_text("train", small, RECIPE), listen=["tcp://127.0.0.1:*"])
    listen = [*one.listen, "tcp://127.0.0.2:* keys=yes"]
    one.reload(streams_of(one), listen=listen, **keys.settings)
    assert one.events("setting.held") == []
    stoker("streams", one.endpoints[1], *keys.words(alice))


# Endpoints.


def test_an_endpoint_keeps_its_keys_until_a_restart(keyed, keys):
    """Whoever takes the word away must not believe that it is gone."""
    one = keyed()
    kept = f"ipc://{keys.folder}/s"
    one.reload(streams_of(one), listen=[*one.listen, f"{kept} mode=0600"])
    reason = one.reload_refused(streams_of(one), listen=[*one.listen[:2], f"{kept} mode=0666"])
    assert "a restart alone changes that" in reason


@pytest.mark.skipif("STOKER_SANDBOX" in os.environ, reason="the unit may give no file away")
def test_a_socket_has_the_mode_and_group_of_its_endpoint(daemon, small, tmp_path):
    group = grp.getgrgid(os.getgroups()[0] if os.getgroups() else os.getgid()).gr_name
    path = tmp_path / "s"
    one = daemon(
        stream_text("train", small, RECIPE), listen=[f"ipc://{path} mode=0660 group={group}"]
    )
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    assert os.stat(path).st_gid == grp.getgrnam(group).gr_gid
    stoker("streams", one.endpoint)


def test_a_group_that_is_not_there_is_named(launch, small, tmp_path):
    one = launch(
        stream_text("train", small, RECIPE), listen=[f"ipc://{tmp_path}/s group=no-such-group"]
    )
    assert one.wait_exit() == 1
    assert 'to the group "no-such-group": there is none' in one.stderr
    assert not os.path.exists(tmp_path / "s")
