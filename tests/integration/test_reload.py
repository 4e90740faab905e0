"""SIGHUP: configuration and data are read anew; whom it does not concern notices nothing."""

import os
import shutil
import signal
import subprocess
import time

import pytest

import dataset
from manager import Manager
from plan1 import Recipe
from stokerd import BUILD, ROOT, SLOW, is_sanitized, links_systemd, stream_text, wait_until
from trainers import Trainer
from wire import Refused

RECIPE = Recipe(batch=5, last="partial", height=16, width=16)
OTHER = Recipe(batch=5, last="partial", height=16, width=16, seed=7)
LONG = Recipe(batch=60, height=512, width=512, transform=("resize", "flip"))
RANKS = os.path.join(ROOT, BUILD, "tests", "tools", "ranks")


@pytest.fixture
def pictures(small, tmp_path):
    """The small data set in a folder that a test may change."""
    return shutil.copytree(small, tmp_path / "pictures")


@pytest.fixture
def train():
    """Start a trainer; whatever becomes of the test, it ends."""
    trainers = []

    def make(endpoint, stream, **options):
        trainers.append(Trainer(endpoint, stream, slow=SLOW, **options))
        return trainers[-1]

    yield make
    for trainer in trainers:
        trainer.stopping.set()
    for trainer in trainers:
        trainer.join()


def assert_complete(log, steps):
    """Every step once and in order, from the first on."""
    assert [row[:2] for row in log] == [divmod(i, steps) for i in range(len(log))]


def assert_undisturbed(log, running, connect, stream, window=8):
    """Complete, and of the bytes that another client is given afterwards."""
    client = connect(running.endpoint)
    welcome = client.hello(stream, window=window)
    assert_complete(log, welcome["steps"])
    ids = [client.post_get(stream, *row[:2]) for row in log[:window]]
    assert [client.take(id_).digest for id_ in ids] == [row[2] for row in log[:window]]


def descriptors(running):
    return len(os.listdir(f"/proc/{running.process.pid}/fd"))


def threads(running):
    return len(os.listdir(f"/proc/{running.process.pid}/task"))


# What stays.


def test_what_is_listed_as_before_keeps_its_fingerprint_and_its_batches(daemon, connect, small):
    running = daemon(stream_text("train", small, RECIPE))
    client = connect(running.endpoint)
    before = client.streams()[0]
    digest = client.get("train", 0, 0).digest
    assert running.reload()["same"] == "1"
    assert client.streams() == [before]
    assert client.get("train", 0, 0, fingerprint=before["fingerprint"]).digest == digest
    figures = client.stats()
    assert (figures["batches_made"], figures["reloads"]) == (1, 1)
    assert not running.events("stream.changed")


def test_another_stream_comes_and_goes_while_a_trainer_streams(daemon, connect, train, small):
    text = stream_text("train", small, RECIPE)
    running = daemon(text)
    trainer = train(running.endpoint, "train")
    told = running.reload(text + stream_text("valid", small, OTHER))
    assert (told["same"], told["added"], told["removed"]) == ("1", "1", "0")
    client = connect(running.endpoint)
    welcome = client.hello("valid")
    added = running.events("stream.added")[0]
    assert added == {
        "stream": "valid", "fingerprint": welcome["fingerprint"].hex(), "samples": "21"
    }  # fmt: skip
    assert client.get("valid", 0, 0).count == 5
    assert running.reload(text)["removed"] == "1"
    assert running.events("stream.removed") == [added]
    with pytest.raises(Refused, match='unknown_stream: no stream "valid"; there is "train"'):
        client.get("valid", 0, 1)
    assert len(client.streams()) == 1
    done = len(trainer.log)
    wait_until(lambda: len(trainer.log) > done + 5, "the trainer to go on")
    assert_undisturbed(trainer.stop(), running, connect, "train")


# What changes.


def test_a_changed_recipe_is_another_fingerprint_and_the_error_names_both(daemon, connect, small):
    running = daemon(stream_text("train", small, RECIPE))
    client = connect(running.endpoint)
    before = client.hello("train")["fingerprint"]
    digest = client.get("train", 0, 0, fingerprint=before).digest
    assert running.reload(stream_text("train", small, OTHER))["changed"] == "1"
    after = client.hello("train")["fingerprint"]
    told = running.events("stream.changed")[0]
    assert (told["before"], told["after"]) == (before.hex(), after.hex())
    with pytest.raises(Refused) as refused:
        client.get("train", 0, 0, fingerprint=before)
    assert refused.value.code == "fingerprint"
    assert before.hex() in refused.value.message and after.hex() in refused.value.message
    assert client.get("train", 0, 0, fingerprint=after).digest != digest
    assert running.reload(stream_text("train", small, RECIPE))["changed"] == "1"
    assert client.get("train", 0, 0, fingerprint=before).digest == digest


def test_a_data_set_that_grew_is_seen_by_a_hangup_alone_and_its_old_trainer_is_told(
    daemon, connect, pictures
):
    running = daemon(stream_text("train", pictures, RECIPE))
    client = connect(running.endpoint)
    before = client.streams()[0]
    trainer = subprocess.Popen(
        [RANKS, f"{running.endpoint}/train", "1", "0", "0", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert trainer.stdout.readline()
        dataset.write(pictures, "class1/new.jpg", dataset.jpeg(999, 40, 48))
        assert client.streams() == [before]
        running.reload()
        after = client.streams()[0]
        _, error = trainer.communicate(timeout=20 * SLOW)
    finally:
        trainer.kill()
    assert after["samples"] == before["samples"] + 1 == 22
    told = running.events("stream.changed")[0]
    assert (told["samples_before"], told["samples_after"]) == ("21", "22")
    assert trainer.returncode != 0
    assert before["fingerprint"].hex() in error and after["fingerprint"].hex() in error


def ask_for_more_than_is_begun(running, connect, **keys):
    """A client with 64 requests of a stream in flight, most of them not begun; their ids."""
    client = connect(running.endpoint)
    client.hello("train", window=64)
    ids = [client.post_get("train", epoch, 0, **keys) for epoch in range(64)]
    assert client.stats()["requests_waiting"] > 32
    return client, ids


def outcomes(client, ids):
    """A batch or the code of an error for each."""
    for id_ in ids:
        try:
            yield client.take(id_)
        except Refused as refused:
            yield refused.code


@pytest.mark.parametrize("what", ["changed", "removed"])
def test_batches_in_the_making_are_sent_and_the_other_requests_answered(
    daemon, connect, good, small, what
):
    running = daemon(stream_text("train", good, LONG), workers=1)
    fingerprint = connect(running.endpoint).hello("train")["fingerprint"]
    client, ids = ask_for_more_than_is_begun(running, connect, fingerprint=fingerprint)
    running.reload(stream_text("train" if what == "changed" else "valid", small, RECIPE))
    answers = list(outcomes(client, ids))
    batches = [answer for answer in answers if not isinstance(answer, str)]
    assert batches and {batch.fingerprint for batch in batches} == {fingerprint}
    code = "fingerprint" if what == "changed" else "unknown_stream"
    assert {answer for answer in answers if isinstance(answer, str)} == {code}
    wait_until(lambda: client.stats()["slab_bytes_in_use"] == 0, "the old batches to be let go")


def test_requests_that_pin_nothing_go_over_to_the_stream_as_it_is_now(daemon, connect, good):
    running = daemon(stream_text("train", good, LONG), workers=1)
    client, ids = ask_for_more_than_is_begun(running, connect)
    running.reload(stream_text("train", good, RECIPE))
    after = connect(running.endpoint).hello("train")["fingerprint"]
    answers = list(outcomes(client, ids))
    assert not any(isinstance(answer, str) for answer in answers)
    counts = {batch.fingerprint == after: batch.count for batch in answers}
    assert counts == {False: 60, True: 5}


@pytest.mark.parametrize("how", ["another source", "another folder at its path"])
def test_a_data_set_that_moved_is_the_same_and_is_read_where_it_is(
    daemon, connect, pictures, tmp_path, how
):
    running = daemon(stream_text("train", pictures, RECIPE))
    client = connect(running.endpoint)
    before = client.streams()[0]
    digest = client.get("train", 0, 0).digest
    copy = shutil.copytree(pictures, tmp_path / "copy")
    if how == "another source":
        running.configure(stream_text("train", copy, RECIPE))
    else:
        os.rename(pictures, tmp_path / "old")
        os.rename(copy, pictures)
    assert running.reload()["renewed"] == "1"
    for folder in (pictures, tmp_path / "old"):
        if how == "another source" or folder != pictures:
            shutil.rmtree(folder, ignore_errors=True)
    assert client.streams() == [before]
    assert client.get("train", 0, 0).digest == digest
    assert [batch.replaced for batch in client.epoch("train", 1, range(5))] == [[]] * 5


def test_a_stream_that_was_stopped_is_served_again(daemon, connect, pictures):
    bad = os.path.join(pictures, "class0", "0.jpg")
    with open(bad, "rb") as file:
        good = file.read()
    with open(bad, "wb") as file:
        file.write(b"x" * len(good))
    text = stream_text("train", pictures, RECIPE).replace("{", "{ corrupt_max = 0.01", 1)
    running = daemon(text)
    client = connect(running.endpoint)
    before = client.streams()
    code = None
    for step in [*range(5), 0]:
        try:
            client.get("train", 0, step)
        except Refused as refused:
            code = refused.code
    assert code == "corrupt"
    with open(bad, "wb") as file:
        file.write(good)
    assert running.reload()["renewed"] == "1"
    assert client.streams() == before
    assert [batch.replaced for batch in client.epoch("train", 0, range(5))] == [[]] * 5


# Settings.


def test_the_log_level_is_taken_over(daemon, connect, small):
    running = daemon(stream_text("train", small, RECIPE), log_level="notice")
    client = connect(running.endpoint)
    client.get("train", 0, 0)
    running.reload(stream_text("train", small, RECIPE), log_level="debug")
    changed = {"key": "log_level", "before": "notice", "after": "debug"}
    assert running.events("setting.changed") == [changed]
    client.get("train", 1, 0)
    assert running.wait_log("batch.made")["epoch"] == "1"
    assert len(running.events("batch.made")) == 1


def test_settings_that_need_a_restart_are_held_and_named(daemon, connect, small):
    text = stream_text("train", small, RECIPE)
    running = daemon(text)
    client = connect(running.endpoint)
    before = client.streams()[0]
    started = threads(running)
    told = running.reload(
        text, workers=3, readers=5, image_pixels_max=1000, image_bytes_max="2M", connections_max=9
    )
    assert told["same"] == "1"
    rows = running.events("setting.held")
    held = {
        row["key"]: (row["running"], row["configured"]) for row in running.events("setting.held")
    }
    assert held == {
        "workers": ("2", "3"), "readers": ("8", "5"),
        "image_pixels_max": ("100000000", "1000"), "image_bytes_max": ("32M", "2M"),
        "connections_max": ("0", "9"),
    }  # fmt: skip
    assert client.streams() == [before]
    assert client.get("train", 0, 0).replaced == []
    assert (client.stats()["workers"], threads(running)) == (2, started)


def test_less_memory_is_kept_to_as_batches_are_let_go(daemon, connect, good):
    text = stream_text("train", good, Recipe(batch=20, height=224, width=224))  # 3 MB a batch
    running = daemon(text)
    client = connect(running.endpoint)
    for epoch in range(2):
        assert len(list(client.epoch("train", epoch, range(3)))) == 3
    cached = client.stats()["slab_bytes_in_use"]
    least = 512 - int(running.events("memory.plan")[0]["slab_bytes"]) // (1 << 20) + 8
    running.reload(text, memory_max=f"{least}M")
    plan = running.events("memory.plan")[-1]
    figures = client.stats()
    assert figures["memory_bytes_max"] == int(plan["bytes_max"]) == least << 20
    assert figures["slab_bytes_in_use"] <= int(plan["slab_bytes"]) < cached
    assert len(list(client.epoch("train", 2, range(3)))) == 3
    assert client.stats()["slab_bytes_in_use"] <= int(plan["slab_bytes"])


def test_endpoints_are_bound_and_unbound(daemon, connect, train, small):
    text = stream_text("train", small, RECIPE)
    running = daemon(text)
    ipc = running.endpoint
    trainer = train(ipc, "train")
    running.reload(text, listen=[ipc, "tcp://127.0.0.1:*"])
    tcp = running.endpoints[-1]
    client = connect(tcp)
    digest = client.get("train", 0, 0).digest
    running.reload(text)
    assert client.get("train", 0, 0).digest == digest, "a port that the system picked is kept"
    running.reload(text, listen=[ipc])
    assert running.events("server.unbound")[0]["endpoint"] == tcp
    witness = connect(ipc)
    wait_until(lambda: witness.stats()["clients"] == 1, "the client of the port to be missed")
    wait_until(lambda: witness.stats()["connections"] == 2, "its connection to be counted off")
    with pytest.raises(TimeoutError):
        late = connect(tcp)
        late.post("stats")
        late.receive(0.2)
    assert_undisturbed(trainer.stop(), running, connect, "train")
    running.reload(text, listen=[f"{ipc}-2"])
    assert not os.path.exists(ipc.removeprefix("ipc://"))
    assert connect(f"{ipc}-2").get("train", 0, 0).digest == digest


# A wrong file.


def wrong_files(small, tmp_path, taken):
    text = stream_text("train", small, RECIPE)
    (tmp_path / "empty").mkdir()
    large = Recipe(batch=4096, height=512, width=512, last="wrap")
    return {
        "a key that is not there": (text.replace("batch", "bach"), {}, "bach"),
        "no source": (text + stream_text("other", tmp_path / "gone", RECIPE), {}, "gone"),
        "no sample": (stream_text("train", tmp_path / "empty", RECIPE), {}, "empty"),
        "fewer samples than a batch": (
            stream_text("train", small, Recipe(batch=22)), {}, "fewer than one batch"),
        "too little memory": (stream_text("train", small, large), {}, "memory_max"),
        "an endpoint in use": (text, dict(listen=["{ipc}", taken]), taken),
        "nothing": ("", {}, "no stream"),
    }  # fmt: skip


def test_a_wrong_file_changes_nothing_and_says_why(daemon, connect, train, small, tmp_path):
    text = stream_text("train", small, RECIPE)
    taken = daemon(text, listen=["tcp://127.0.0.1:*"]).endpoint
    running = daemon(text)
    ipc = running.endpoint
    trainer = train(ipc, "train")
    before = connect(ipc).streams()
    plans = len(running.events("memory.plan"))
    wrong = wrong_files(small, tmp_path, taken)
    for count, (what, (streams, settings, reason)) in enumerate(wrong.items(), 1):
        if "listen" in settings:
            settings["listen"] = [f"{ipc}-2", taken]
        told = running.reload_refused(streams, log_level="error", **settings)
        assert reason in told, what
        client = connect(ipc)
        assert client.streams() == before
        assert client.stats()["reloads_refused"] == count
        assert len(running.events("memory.plan")) == plans
    assert not os.path.exists(f"{ipc}-2".removeprefix("ipc://"))
    os.remove(running.config)
    running.signal(signal.SIGHUP)
    assert running.config in running.wait_log("reload.refused", len(wrong) + 1)["reason"]
    running.configure(text, listen=[ipc])
    assert_undisturbed(trainer.stop(), running, connect, "train")
    running.signal(signal.SIGHUP)
    wait_until(lambda: connect(ipc).stats()["reloads"] == 1, "a right file after the wrong ones")


@pytest.mark.skipif(not links_systemd(), reason="built without libsystemd")
def test_the_service_manager_is_told_of_reloads_and_why_one_was_refused(launch, small, tmp_path):
    text = stream_text("train", small, RECIPE)
    manager = Manager(str(tmp_path / "n"))
    running = launch(text, environment={"NOTIFY_SOCKET": str(tmp_path / "n")})
    manager.wait("READY=1")
    for refused in (False, True):
        manager.states.clear()
        start_us = time.monotonic_ns() // 1000
        if refused:
            reason = running.reload_refused(text.replace("batch", "bach"))
        else:
            running.reload()
        manager.wait("READY=1")
        told = dict(state.split("=", 1) for state in manager.states)
        assert manager.states.index("RELOADING=1") < manager.states.index("READY=1")
        assert start_us <= int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert (told["STATUS"] == f"reload refused: {reason}") if refused else "STATUS" in told
    running.stop()
    manager.socket.close()


# While it lasts.


@pytest.fixture
def farm(small, tmp_path):
    """Make a folder that is listed for a while: links to one folder of many links to a picture."""

    def make(classes, each):
        root = tmp_path / "farm"
        (tmp_path / "many").mkdir()
        root.mkdir()
        picture = os.path.join(small, "class0", "0.jpg")
        for i in range(each):
            os.symlink(picture, tmp_path / "many" / f"{i}.jpg")
        for i in range(classes):
            os.symlink(tmp_path / "many", root / f"class{i}")
        return root

    return make


def test_everything_is_served_while_a_long_listing_is_made(daemon, connect, train, small, farm):
    text = stream_text("train", small, RECIPE)
    running = daemon(text)
    trainer = train(running.endpoint, "train")
    client = connect(running.endpoint)
    running.configure(text + stream_text("large", farm(300, 1000), RECIPE))
    running.signal(signal.SIGHUP)
    running.wait_log("reload.started")
    running.signal(signal.SIGHUP)
    running.signal(signal.SIGHUP)
    waits_s = []
    while not running.events("reload.done"):
        start_s = time.monotonic()
        assert client.get("train", 9, len(waits_s) % 4).count == 5
        waits_s.append(time.monotonic() - start_s)
    listing_s = int(running.events("reload.done")[0]["wait_ms"]) / 1000
    assert len(waits_s) > 2 and max(waits_s) < listing_s / 2
    assert connect(running.endpoint).hello("large")["samples"] == 300_000
    running.wait_log("reload.done", 2, 60 * SLOW)
    assert client.stats()["reloads"] == len(running.events("reload.started")) == 2
    assert_undisturbed(trainer.stop(), running, connect, "train")


def test_a_daemon_ends_at_once_while_a_long_listing_is_made(daemon, connect, small, farm):
    text = stream_text("train", small, RECIPE)
    running = daemon(text)
    running.configure(text + stream_text("large", farm(3000, 1000), RECIPE))
    running.signal(signal.SIGHUP)
    running.wait_log("reload.started")
    assert connect(running.endpoint).get("train", 0, 0).count == 5
    running.signal()
    assert running.wait_exit(2 * SLOW) == 0
    assert not running.events("reload.done") and not running.events("reload.refused")


def test_a_hangup_before_the_daemon_is_ready_is_heard_when_it_is(launch, connect, small):
    running = launch(stream_text("train", small, RECIPE))
    running.wait_log("source.listed")
    running.signal(signal.SIGHUP)
    running.wait_log("reload.done")
    running.stop()


# Again and again.


def test_twenty_reloads_under_load_lose_nothing(daemon, connect, train, small, good):
    text = stream_text("train", small, RECIPE)
    other = [stream_text("other", good, recipe) for recipe in (LONG, RECIPE, OTHER)]
    running = daemon(text)
    trainers = [train(running.endpoint, "train"), train(running.endpoint, "train", window=8)]
    client = connect(running.endpoint)
    client.hello("train", window=64)
    answered = []
    for i in range(20):
        running.reload(text + other[i % 3] if i % 4 else text)
        ids = [client.post_get("other", i, 0) for _ in range(3)]
        answered += outcomes(client, ids[:1])
        ids = ids[1:]
        answered += outcomes(client, ids)
    assert len(answered) == 60
    assert sum(answer == "unknown_stream" for answer in answered) == 15
    for trainer in trainers:
        assert len(trainer.log) > 20
        assert_undisturbed(trainer.stop(), running, connect, "train")


def test_a_storm_of_hangups_ends_with_the_last_file(daemon, connect, train, small):
    text = stream_text("train", small, RECIPE)
    running = daemon(text)
    trainer = train(running.endpoint, "train")
    for i in range(200):
        running.configure(text + stream_text(f"other{i}", small, RECIPE))
        running.signal(signal.SIGHUP)
    client = connect(running.endpoint)
    wait_until(
        lambda: [row["stream"] for row in client.streams()] == ["other199", "train"],
        "the last file to be served",
    )
    assert_undisturbed(trainer.stop(), running, connect, "train")


def test_memory_descriptors_and_threads_are_flat_after_many_reloads(daemon, connect, pictures):
    recipes = [Recipe(batch=5, height=side, width=side) for side in (128, 160)]
    texts = [stream_text("train", pictures, recipe) for recipe in recipes]
    running = daemon(texts[0], log_level="notice")
    client = connect(running.endpoint)

    def reload(i):
        running.reload(texts[i % 2])
        assert len(list(client.epoch("train", i, range(4)))) == 4

    def held():
        return descriptors(running), threads(running)

    for i in range(20):
        reload(i)
    before, bytes_before = held(), running.memory_bytes("VmRSS")
    for i in range(20, 120):
        reload(i)
    wait_until(lambda: held() == before, f"{before} descriptors and threads")
    if not is_sanitized():
        assert running.memory_bytes("VmRSS") < bytes_before + (4 << 20)
