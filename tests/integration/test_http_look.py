"""What a look at a batch shows is what the trainers get, and costs them little."""

import dataclasses
import http.client
import io
import json
import socket
import threading
import time

import numpy as np
import pytest
from PIL import Image

import dataset
from plan1 import Recipe
from stokerd import SLOW, stream_text, wait_until
from web import ask, fetch

PLAIN = Recipe(batch=6, height=40, width=48)
ERASE = ("random_resized_crop", "flip", "random_erasing")

# Every way into a slot: from the batch, from the data set, blended, cut, kept, erased.
RECIPES = {
    "plain": PLAIN,
    "nchw": dataclasses.replace(PLAIN, layout="nchw"),
    "erased": dataclasses.replace(PLAIN, transform=ERASE, erase_prob=0.9, erase_mode="noise"),
    "mixup": dataclasses.replace(PLAIN, mix="mixup"),
    "timm": dataclasses.replace(
        PLAIN, mix="both", mix_preset="timm", labels="dense", mix_keys=dict(per="sample")
    ),
    "dataset": dataclasses.replace(PLAIN, mix="both", mix_keys=dict(partner="dataset")),
    "last": dataclasses.replace(PLAIN, batch=7, last="mask", phases=((1, 5, 24, 24),)),
}
METHODS = {"none": set(), "mixup": {"mixup"}, "both": {"mixup", "cutmix"}}


@pytest.fixture
def serve(daemon, small, tmp_path):
    def make(recipe=PLAIN, source=None, corrupt_max=0.0, root=None, **options):
        paths = {} if root is None else {"root": root}
        text = stream_text("train", source or small, recipe, **paths)
        text = text.replace("{", f"{{ corrupt_max = {corrupt_max}\n", 1)
        settings = {"http": '"127.0.0.1:0"', **options}
        running = daemon(text, settings=settings)
        return running, running.events("http.listening")[-1]["port"]

    return make


def patiently(port, path, **options):
    """As a page asks: again, where looking must not cost more."""
    return wait_until(
        lambda: (told := fetch(port, path, **options))[0].status != 503 and told, f"{path}", 60
    )


def look(port, **query):
    path = "/api/batch?" + "&".join(f"{key}={value}" for key, value in query.items())
    reply, body = patiently(port, path)
    assert reply.status == 200, body
    assert reply.getheader("Content-Type") == "application/json"
    assert reply.getheader("Cache-Control") == "no-store"
    assert not set(body) & set(b"<>&'"), "what begins markup is escaped"
    return json.loads(body)


def picture(port, told, slot, show):
    """A picture's pixels."""
    address = f"stream={told['stream']}&epoch={told['epoch']}&step={told['step']}"
    path = f"/api/picture?{address}&slot={slot}&show={show}&fp={told['fingerprint']}"
    reply, body = patiently(port, path)
    assert reply.status == 200, body
    assert reply.getheader("Content-Type") == "image/jpeg"
    assert reply.getheader("Cache-Control") == "private, max-age=3600"
    return np.asarray(Image.open(io.BytesIO(body)))


def as_jpeg(pixels):
    """Pixels as a JPEG of the same quality shows them; Pillow's libjpeg is ours."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=85)
    return np.asarray(Image.open(data))


def images_of(batch, recipe):
    images = batch["images"]
    return images.transpose(0, 2, 3, 1) if recipe.layout == "nchw" else images


def assert_provenance(slot, i, batch, who=""):
    """A slot's, or its partner's, against the tensors of its batch."""
    assert slot["crop"] == list(batch[f"{who}crop"][i])
    assert slot["flip"] == batch[f"{who}flip"][i]
    erase = list(batch[f"{who}erase"][i]) if f"{who}erase" in batch.tensors else [0] * 4
    assert slot["erase"] == (erase if erase[2] else None)


def assert_slot(slot, i, batch, paths, names):
    assert slot["slot"] == i and slot["replaced"] is None
    assert (slot["source_height"], slot["source_width"]) == (40, 48)
    assert slot["index"] == batch["index"][i] and slot["path"] == paths[slot["index"]]
    assert slot["label"] == names[batch["label"][i]]
    assert np.float32(slot["lambda"]) == batch["lambda"][i]
    assert_provenance(slot, i, batch)
    valid = "valid" not in batch.tensors or batch["valid"][i] == 1
    assert slot["valid"] == valid
    cut = list(batch["cut"][i]) if "cut" in batch.tensors else [0] * 4
    assert slot["cut"] == (cut if cut[2] and cut[3] else None)


def assert_partner(slot, i, batch, paths, names, told):
    partner = slot["partner"]
    if slot["method"] == "none":
        assert partner is None and slot["lambda"] == 1
        return
    assert partner["index"] == batch["partner_index"][i]
    assert partner["path"] == paths[partner["index"]]
    assert partner["label"] == names[batch["partner_label"][i]]
    if partner["slot"] is None:
        assert_provenance(partner, i, batch, "partner_")
    else:
        assert_provenance(partner, partner["slot"], batch)


def assert_target(slot, i, batch, names):
    shares = {row["name"]: row["share"] for row in slot["target"]}
    if "target" in batch.tensors:
        wanted = dict(zip(names, batch["target"][i]))
        wanted = {name: share for name, share in wanted.items() if share != 0}
    else:
        wanted = {names[batch["label"][i]]: 0.0, names[batch["partner_label"][i]]: 0.0}
        wanted[names[batch["label"][i]]] += float(batch["lambda"][i])
        wanted[names[batch["partner_label"][i]]] += 1 - float(batch["lambda"][i])
        wanted = {name: share for name, share in wanted.items() if share > 0}
    assert shares == pytest.approx(wanted, abs=1e-5)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


@pytest.mark.parametrize("name", RECIPES)
def test_a_look_shows_what_the_trainers_get(serve, connect, name):
    recipe = RECIPES[name]
    running, port = serve(recipe)
    client = connect(running.endpoint)
    paths = [f"class{label}/{i}.jpg" for label in range(3) for i in range(7)]
    methods = set()
    for epoch, step in ((0, 0), (1, 2)):
        told = look(port, stream="train", epoch=epoch, step=step)
        images = {"served": client.get("train", epoch, step)}
        batch = images["served"]
        for show in ("own", "partner"):
            images[show] = client.get("train", epoch, step, unmixed=show)
        names = client.labels("train")
        assert told["batch"] == len(told["slots"]) == batch.count
        assert (told["height"], told["width"]) == images_of(batch, recipe).shape[1:3]
        for i, slot in enumerate(told["slots"]):
            methods.add(slot["method"])
            assert_slot(slot, i, batch, paths, names)
            assert_partner(slot, i, batch, paths, names, told)
            assert_target(slot, i, batch, names)
            for show, shown in images.items():
                if show != "partner" or slot["partner"] is not None:
                    wanted = as_jpeg(np.ascontiguousarray(images_of(shown, recipe)[i]))
                    assert (picture(port, told, i, show) == wanted).all()
    assert methods - {"none"} == METHODS[recipe.mix], "the comparison is worth something"


def test_another_dtype_is_shown_in_eight_bits(serve, connect):
    recipe = dataclasses.replace(PLAIN, dtype="f32", mix="mixup")
    running, port = serve(recipe)
    told = look(port, stream="train", epoch=0, step=1)
    batch = connect(running.endpoint).get("train", 0, 1, unmixed="own")
    values = (batch["images"] * np.float32(recipe.std) + np.float32(recipe.mean)) * 255
    for i in range(recipe.batch):
        wanted = as_jpeg(np.rint(values[i]).astype(np.uint8))
        assert (picture(port, told, i, "own") == wanted).all()


def test_the_sources_are_shown_whole_and_not_too_large(serve, tmp_path):
    root = tmp_path / "data"
    for i, sides in enumerate([(40, 48), (1500, 600), (500, 512), (3, 2000)]):
        dataset.write(root, f"class{i}/0.jpg", dataset.jpeg(i, *sides))
    running, port = serve(Recipe(batch=4, order="sequential", height=8, width=8), root)
    told = look(port, stream="train", epoch=0, step=0)
    shapes = [picture(port, told, i, "own_source").shape[:2] for i in range(4)]
    assert shapes == [(40, 48), (512, 205), (500, 512), (1, 512)]
    sides = [(slot["source_height"], slot["source_width"]) for slot in told["slots"]]
    assert sides == [(40, 48), (1500, 600), (500, 512), (3, 2000)]
    whole = Image.open(root / "class0" / "0.jpg").convert("RGB")
    assert (picture(port, told, 0, "own_source") == as_jpeg(np.asarray(whole))).all()


def test_what_was_replaced_is_shown_replaced(serve, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data")
    for i in range(4):
        dataset.write(root, f"class1/{i}.jpg", b"no picture")
    recipe = dataclasses.replace(PLAIN, batch=21, mix="mixup", mix_keys=dict(partner="dataset"))
    running, port = serve(recipe, root)
    told = look(port, stream="train", epoch=3, step=0, slots="0-16")
    told["slots"] += look(port, stream="train", epoch=3, step=0, slots="16-16")["slots"]
    state = json.loads(ask(port, "/api/state")[1])["streams"][0]
    assert state["replaced"] == [] and state["samples_bad"] == 0, "a look is remembered by nobody"
    batch = connect(running.endpoint).get("train", 3, 0)
    reasons = {row["slot"]: row["reason"] for row in batch.replaced}
    assert len(reasons) >= 4 and len(told["slots"]) == 21
    for i, slot in enumerate(told["slots"]):
        assert (slot["replaced"] or "")[:63] == reasons.get(i, "")
        assert slot["index"] == batch["index"][i]
        if slot["partner"] is not None:
            assert slot["partner"]["index"] == batch["partner_index"][i]
            assert (slot["partner"]["replaced"] or "")[:63] == reasons.get(21 + i, "")
        assert (picture(port, told, i, "served") == as_jpeg(batch["images"][i])).all()


def test_where_no_sample_can_stand_it_is_said_why(serve, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1, each=3)
    dataset.write(root, "class0/1.jpg", b"no picture")
    recipe = Recipe(batch=3, order="sequential", height=8, width=8, on_corrupt="fail")
    running, port = serve(recipe, root)
    told = look(port, stream="train", epoch=0, step=0)
    failed = told["slots"][1]
    assert failed["path"] == "class0/1.jpg" and failed["failed"].startswith("corrupt: ")
    assert "crop" not in failed and "failed" not in told["slots"][0]
    path = f"/api/picture?stream=train&epoch=0&step=0&slot=1&show=own&fp={told['fingerprint']}"
    reply, text = patiently(port, path)
    assert reply.status == 404 and text.decode().startswith("corrupt: ")


def test_labels_that_are_no_class_are_told_in_words(serve, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1, each=2)
    rows = {"several": ["path,label", "0.jpg,cat dog", "1.jpg,dog"]}
    rows["numbers"] = ["path,x,y", "0.jpg,1.5,-2", "1.jpg,0,4"]
    wanted = {"several": ["cat, dog", "dog"], "numbers": ["1.5, -2", "0, 4"]}
    recipe = Recipe(batch=2, order="sequential", height=8, width=8)
    for name, lines in rows.items():
        table = tmp_path / f"{name}.csv"
        table.write_text("\n".join(lines) + "\n")
        running, port = serve(recipe, f"csv:{table}", root=root / "class0")
        told = look(port, stream="train", epoch=0, step=0)
        assert [slot["label"] for slot in told["slots"]] == wanted[name]
        first = {row["name"]: row["share"] for row in told["slots"][0]["target"]}
        assert first == ({"cat": 1, "dog": 1} if name == "several" else {"x": 1.5, "y": -2})


def test_no_name_in_a_batch_leaves_its_string(serve, tmp_path):
    root = tmp_path / "data"
    names = ["<script>alert(1)<|script>", "\"'`&amp;", "a\x1b[2J\nb", "\u202egnp.exe"]
    for i, name in enumerate(names):
        dataset.write(root, f"{name}/{name}.jpg", dataset.jpeg(i, 10, 10))
    dataset.write(root, b"\xff\xc3z/\x80.jpg", dataset.jpeg(5, 10, 10))
    recipe = Recipe(batch=5, height=8, width=8, mix="mixup", mix_keys=dict(partner="dataset"))
    running, port = serve(recipe, root)
    told = look(port, stream="train", epoch=0, step=0)["slots"]
    assert {slot["label"] for slot in told} == {*names, "??z"}
    assert {slot["path"] for slot in told} == {
        *(f"{name}/{name}.jpg" for name in names),
        "??z/?.jpg",
    }
    for slot in told:
        assert {row["name"] for row in slot["target"]} == {slot["label"], slot["partner"]["label"]}


def test_the_newest_batch_is_shown_once_there_is_one(serve, connect):
    running, port = serve()
    reply, text = ask(port, "/api/batch?stream=train")
    assert reply.status == 404 and text == 'no batch of "train" was sent yet\n'
    client = connect(running.endpoint)
    for epoch, step in ((0, 2), (7, 1)):
        client.get("train", epoch, step)
        told = wait_until(
            lambda: (t := look(port, stream="train"))["epoch"] == epoch and t, "the newest"
        )
        assert told["step"] == step and told["steps"] == 3


FP = "0" * 32
BAD = [
    ("/api/batch", 400, "/api/batch takes stream"),
    ("/api/batch?stream=", 400, "stream must be a stream's name"),
    ("/api/batch?stream=train&epoch=0", 400, "/api/batch takes stream"),
    ("/api/batch?stream=train&epoch=0&step=0&show=own", 400, "/api/batch takes stream"),
    ("/api/batch?stream=train&stream=train", 400, "/api/batch takes stream"),
    ("/api/batch?stream=train&epoch=-1&step=0", 400, "epoch must be a whole number"),
    ("/api/batch?stream=train&epoch=4294967296&step=0", 400, "epoch must be a whole number"),
    ("/api/batch?stream=train&epoch=0&step=18446744073709551616", 400, "step must be"),
    ("/api/batch?stream=train&epoch=0&step=1e3", 400, "step must be a whole number"),
    ("/api/batch?stream=train&slots=0-17", 400, "slots must be FIRST-COUNT"),
    ("/api/batch?stream=tr%00ain", 400, "stream must be a stream's name"),
    ("/api/batch?stre%00am=train", 400, "/api/batch takes stream"),
    ("/api/batch?stream=" + "x" * 65, 400, "stream must be a stream's name"),
    ("/api/batch?stream", 400, "stream must be a stream's name"),
    ("/api/batch?%ff=%fe&&&===", 400, "/api/batch takes stream"),
    ("/api/batch?stream=x", 404, 'no stream "x"; there is "train"'),
    ("/api/batch?stream=%1b%5b2J%ff%0a", 404, 'no stream "?[2J??"; there is "train"'),
    ("/api/batch?stream=train&epoch=0&step=3", 404, "the epoch has 3 steps"),
    ("/api/batch?stream=train&epoch=4294967295&step=18446744073709551615", 404, "the epoch has 3"),
    ("/api/batch?stream=train&epoch=0&step=0&slots=6-1", 404, "the batch has 6 slots"),
    ("/api/picture", 400, "/api/picture takes stream"),
    ("/api/picture?stream=train&epoch=0&step=0&slot=0&show=own", 400, "/api/picture takes"),
    (f"/api/picture?stream=train&epoch=0&step=0&slot=0&show=all&fp={FP}", 400, "show must be"),
    (f"/api/picture?stream=train&epoch=0&step=0&slot=8192&show=own&fp={FP}", 400, "slot must be"),
    ("/api/picture?stream=train&epoch=0&step=0&slot=0&show=own&fp=0", 400, "fp must be"),
    (f"/api/picture?stream=train&epoch=0&step=0&slot=0&show=own&fp={FP}", 404, "the stream has an"),
    ("/api/picture?stream=train&epoch=0&step=0&slot=6&show=own&fp=", 404, "the batch has 6 slots"),
    ("/api/picture?stream=train&epoch=0&step=0&slot=0&show=partner&fp=", 404, "the slot is not mi"),
    ("/api/picture?stream=train&epoch=0&step=3&slot=0&show=own&fp=", 404, "the epoch has 3 steps"),
]


def test_a_bad_query_is_refused_with_a_sentence(serve):
    running, port = serve()
    fingerprint = look(port, stream="train", epoch=0, step=0)["fingerprint"]
    for path, status, sentence in BAD:
        path = path + fingerprint if path.endswith("fp=") else path
        reply, text = patiently(port, path)
        assert (reply.status, text.decode()[: len(sentence)]) == (status, sentence), path
        assert reply.getheader("Content-Type") == "text/plain; charset=utf-8"
        assert text.count(b"\n") == 1 and text.endswith(b"\n")
    reply, _ = fetch(port, "/api/batch?stream=train&epoch=0&step=0", "POST", b"x")
    assert reply.status == 405


def test_a_head_has_no_body(serve):
    running, port = serve()
    reply, body = patiently(port, "/api/batch?stream=train&epoch=0&step=0", method="HEAD")
    assert reply.status == 200 and body == b"" and int(reply.getheader("Content-Length")) > 1000


def test_looks_are_for_those_with_the_token(serve, tmp_path):
    path = tmp_path / "token"
    path.write_text("correct-horse-battery\n")
    path.chmod(0o600)
    running, port = serve(http_token=f'"{path}"')
    query = "/api/batch?stream=train&epoch=0&step=0"
    assert fetch(port, query)[0].status == 401
    assert fetch(port, "/api/picture")[0].status == 401
    assert fetch(port, query, Authorization="Bearer correct-horse-battery")[0].status == 200
    assert fetch(port, query, Host="evil.example")[0].status == 401


def test_one_connection_asks_one_thing_after_another(serve):
    running, port = serve()
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    for path in ("/api/batch?stream=train&epoch=0&step=0", "/api/state", "/nothing") * 3:
        connection.request("GET", path)
        reply = connection.getresponse()
        assert reply.status in (200, 404) and reply.read()
    connection.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A few pictures that take long."""
    root = tmp_path_factory.mktemp("large")
    data = io.BytesIO()
    dataset.picture(1, 300, 400).resize((4000, 3000)).save(data, "JPEG", progressive=True)
    for i in range(2):
        dataset.write(root, f"class0/{i}.jpg", data.getvalue())
    return root


LARGE = Recipe(batch=2, height=8, width=8, transform=("resize", "center_crop"), side=(8,))


def test_looking_too_much_is_put_off(serve, connect, large):
    running, port = serve(LARGE, large, workers=1)
    told = look(port, stream="train", epoch=0, step=0)
    path = f"/api/picture?stream=train&epoch=0&step=0&slot=0&show=own&fp={told['fingerprint']}"
    put_off = wait_until(
        lambda: (reply := fetch(port, path)[0]).status == 503 and reply, "the purse to be empty", 60
    )
    assert put_off.getheader("Retry-After") == "1"
    assert put_off.getheader("Cache-Control") == "no-store"
    assert ask(port, "/healthz")[0].status == ask(port, "/api/state")[0].status == 200
    assert connect(running.endpoint).get("train", 0, 0).count == 2


def begin(port, path):
    """Ask, and do not wait for the answer."""
    peer = socket.create_connection(("127.0.0.1", int(port)))
    peer.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return peer


def answer_of(peer):
    """The status that was answered to somebody who has begun."""
    peer.settimeout(60 * SLOW)
    line = peer.recv(1000)
    peer.close()
    return int(line.split()[1])


SLOW_LOOK = "/api/batch?stream=train&epoch=0&step=0"


@pytest.fixture(scope="module")
def dear(tmp_path_factory):
    return dataset.write_dear(tmp_path_factory.mktemp("dear"), 16)


DEAR = dataclasses.replace(LARGE, batch=16)


def test_after_the_dearest_look_others_wait_for_seconds(daemon, dear, small):
    text = stream_text("train", dear, DEAR) + stream_text("other", small, PLAIN)
    running = daemon(text, settings={"http": '"127.0.0.1:0"', "workers": 1})
    port = running.events("http.listening")[-1]["port"]
    state = json.loads(ask(port, "/api/state")[1])["streams"]
    fingerprint = next(row["fingerprint"] for row in state if row["stream"] == "train")
    path = "/api/picture?stream=train&epoch=0&step=0&slot=0&show=own_source&fp=" + fingerprint
    reply, text = patiently(port, path)
    assert (reply.status, text) == (404, b"limit: it takes longer than a look may\n")
    begun = time.monotonic()
    assert look(port, stream="other", epoch=0, step=0)["batch"] == 6
    assert time.monotonic() - begun < 15 * SLOW


def test_the_dearest_looks_together_take_no_more_than_their_share(serve, dear):
    running, port = serve(DEAR, dear, workers=1)
    begun, before_s = time.monotonic(), running.cpu_seconds()
    path = "/api/batch?stream=train&step=0&epoch="
    answers = [answer_of(peer) for peer in [begin(port, f"{path}{i}") for i in range(10)]]
    assert set(answers) == {200, 503}
    share_s = 0.5 + 0.015 * (4 + time.monotonic() - begun)
    assert running.cpu_seconds() - before_s < share_s + 0.5 * SLOW


def test_of_large_pictures_as_many_slots_are_told_as_one_look_has_time_for(serve, dear):
    running, port = serve(DEAR, dear, workers=8, memory_max="2G")
    first = look(port, stream="train", epoch=0, step=0)
    count = len(first["slots"])
    assert first["batch"] == 16 and 0 < count < 16
    assert [slot["slot"] for slot in first["slots"]] == list(range(count))
    rest = look(port, stream="train", epoch=0, step=0, slots=f"{count}-{16 - count}")
    assert rest["slots"][0]["slot"] == count


def test_who_leaves_in_the_middle_of_a_look_is_no_harm(serve, large):
    running, port = serve(LARGE, large)
    for _ in range(4):
        begin(port, SLOW_LOOK).close()
    reset = begin(port, SLOW_LOOK)
    reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    reset.close()
    assert look(port, stream="train", epoch=0, step=0)["batch"] == 2


def test_a_daemon_ends_in_the_middle_of_looks(serve, large):
    running, port = serve(LARGE, large)
    peers = [begin(port, SLOW_LOOK) for _ in range(6)]
    assert fetch(port, "/healthz")[0].status == 200, "they have been read"
    running.stop()
    for peer in peers:
        peer.close()


def test_a_reload_in_the_middle_of_looks_is_no_harm(serve, large, small):
    running, port = serve(LARGE, large)
    peers = [begin(port, SLOW_LOOK) for _ in range(3)]
    assert fetch(port, "/healthz")[0].status == 200, "they have been read"
    running.reload(stream_text("other", small, PLAIN))
    answers = [answer_of(peer) for peer in peers]
    assert 200 in answers and set(answers) <= {200, 503}, "begun with the stream of before"
    reply, text = ask(port, "/api/batch?stream=train")
    assert reply.status == 404 and text == 'no stream "train"; there is "other"\n'
    peers = [begin(port, SLOW_LOOK.replace("train", "other"))]
    running.reload(stream_text("other", small, PLAIN), http='""')
    with pytest.raises(ConnectionRefusedError):
        fetch(port, "/healthz")
    running.reload(stream_text("other", small, PLAIN), http='"127.0.0.1:0"')
    port = running.events("http.listening")[-1]["port"]
    assert look(port, stream="other", epoch=0, step=0)["batch"] == 6
    peers[0].close()


def test_many_look_at_once_and_trainers_come_first(serve, connect):
    running, port = serve()
    answers = []

    def page():
        for step in (0, 1, 2):
            answers.append(look(port, stream="train", epoch=0, step=step)["step"])

    pages = [threading.Thread(target=page) for _ in range(20)]
    for one in pages:
        one.start()
    client = connect(running.endpoint)
    for batch in client.epoch("train", 0, range(3)):
        assert batch.count == 6
    for one in pages:
        one.join()
    assert sorted(answers) == [0] * 20 + [1] * 20 + [2] * 20
    assert client.stats()["images_decoded"] == 18, "looks are counted nowhere"


def test_the_viewers_memory_is_in_the_plan(daemon, launch, small):
    without = daemon(stream_text("train", small, PLAIN)).events("memory.plan")[0]
    running = daemon(stream_text("train", small, PLAIN), settings={"http": '"127.0.0.1:0"'})
    plan = running.events("memory.plan")[0]
    assert without["viewer_bytes"] == "0" and int(plan["viewer_bytes"]) > 100 << 20
    parts = ("fixed", "listing", "encoded", "decoder", "viewer", "slab")
    assert int(plan["bytes_max"]) == sum(int(plan[f"{part}_bytes"]) for part in parts)
