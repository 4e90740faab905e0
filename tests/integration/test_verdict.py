"""What limits a stream is told in a word: each resource is starved in turn."""

import os
import sys
import time

import plan1
import pytest

import dataset
from stokerd import BUILD, ROOT, SLOW, stream_text, wait_until
from trainers import Busy, Trainer

sys.path.append(os.path.join(ROOT, "tests", "chaos"))

from proxy import Proxy  # noqa: E402

STEADY_S = 3 * SLOW  # a word that holds for so long is the verdict
SMALL = plan1.Recipe(batch=16, height=32, width=32, transform=("resize",))


def verdict_of(client, limit, fits=lambda figures: True):
    """Wait until the verdict has been a word for a while, with figures that fit; those.

    A machine that stood still for a moment shows in the figures for some seconds.
    """
    since = [time.monotonic()]

    def steady():
        word, figures = client.stream_stats("train")
        if word != limit or not fits(figures):
            since[0] = time.monotonic()
        return time.monotonic() - since[0] >= STEADY_S and figures

    return wait_until(steady, f"the verdict {limit}", 40)


@pytest.fixture
def pictures(tmp_path):
    for i in range(64):
        dataset.write(tmp_path / "data", f"class/{i:02}.jpg", dataset.jpeg(i, 40, 40))
    return tmp_path / "data"


@pytest.fixture
def large(tmp_path):
    data = dataset.jpeg(1, 400, 500)
    for i in range(64):
        dataset.write(tmp_path / "data", f"class/{i:02}.jpg", data)
    return tmp_path / "data"


def test_a_slow_disk_is_what_limits(daemon, connect, pictures, tmp_path):
    order = tmp_path / "order"
    order.write_text("slow")
    running = daemon(
        stream_text("train", pictures, SMALL),
        program=os.path.join(ROOT, BUILD, "stokerd-disk"),
        environment={"STOKER_DISK": str(order)},
    )
    trainer = Trainer(running.endpoint, "train", slow=SLOW)
    figures = verdict_of(
        connect(running.endpoint),
        "disk",
        lambda told: told["disk_busy_permille"] > 800 and told["decode_busy_permille"] < 500,
    )
    trainer.stop()
    assert figures["images_per_second_more_cores"] == figures["images_per_second"]


def test_one_worker_is_what_limits_and_two_more_would_triple_the_rate(daemon, connect, large):
    recipe = plan1.Recipe(batch=16, height=224, width=224)
    running = daemon(stream_text("train", large, recipe), workers=1)
    trainer = Trainer(running.endpoint, "train", slow=SLOW, window=2)
    client = connect(running.endpoint)
    figures = verdict_of(client, "decode", lambda told: told["decode_busy_permille"] > 700)
    [row] = client.trainer_stats()
    trainer.stop()
    more = figures["images_per_second_more_cores"]
    assert figures["images_per_second"] < more <= 3 * figures["images_per_second"] + 2
    assert row["figures"]["readiness_permille"] < 300


# Batches are large beside what the proxy and its sockets keep, which no daemon can see.
def test_a_throttled_link_is_what_limits(daemon, connect, pictures):
    recipe = plan1.Recipe(batch=64, height=224, width=224, transform=("resize",))
    running = daemon(stream_text("train", pictures, recipe), listen=["tcp://127.0.0.1:*"])
    proxy = Proxy(int(running.endpoint.rpartition(":")[2]))
    proxy.throttle(2e7)
    trainer = Trainer(f"tcp://127.0.0.1:{proxy.port}", "train", slow=SLOW)
    client = connect(running.endpoint)
    verdict_of(client, "network")
    [row] = client.trainer_stats()
    proxy.throttle(None)
    trainer.stop()
    proxy.close()
    assert row["transport"] == "tcp" and row["figures"]["bytes_sent"] > 0


def test_a_slow_trainer_is_what_limits_and_one_that_stopped_leaves_it_idle(
    daemon, connect, pictures
):
    running = daemon(stream_text("train", pictures, SMALL))
    client = connect(running.endpoint)
    assert client.stream_stats("train")[0] == "idle"
    trainer = Busy(running.endpoint, "train", slow=SLOW, compute_s=0.3)
    verdict_of(client, "trainer")
    [row] = client.trainer_stats()
    assert row["name"] == "trainer of train" and row["transport"] == "ipc"
    assert row["stream"] == "train" and row["number"] == 0
    figures = row["figures"]
    assert figures["readiness_permille"] > 900
    # Some are answered before the others are asked for.
    assert 1 <= figures["window_used"] <= figures["window_granted"] == 4
    assert figures["ready_ns_total"] > 9 * figures["starved_ns_total"]
    trainer.stop()
    verdict_of(client, "idle")
    assert client.trainer_stats() == []
