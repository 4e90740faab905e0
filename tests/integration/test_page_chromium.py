"""The page as a person meets it, in Chromium, of a real daemon with a trainer."""

import io
import json
import math
import os

import pytest
from PIL import Image, ImageColor, ImageDraw

import dataset
from browser import Page, open_chromium
from plan1 import Recipe
from stokerd import BUILD, ROOT, SLOW, is_sanitized, stream_text, wait_until
from trainers import Busy
from web import ask

TOKEN = "correct-horse-battery"
RECIPE = Recipe(batch=8, height=64, width=64, mix="cutmix", labels="dense")
LABEL = "<img src=x onerror=alert(1)>"
FILE = '"><svg onload=alert(2)>.jpg'
TRAINER = "</script><script>alert('3')</script> \"quoted\" & 'so'"
SCREENSHOTS = os.path.join(ROOT, BUILD)

# A sanitizer looks at the daemon, which does the same in all of these tests: one is enough.
once = pytest.mark.skipif(is_sanitized(), reason="the page is the same without sanitizers")

# Corners of a shape on a circle: so many, and how far the ones between them are drawn in.
SHAPES = {
    "circle": (60, 1),
    "hexagon": (6, 1),
    "square": (4, 1),
    "star": (5, 0.4),
    "triangle": (3, 1),
}


def draw(seed, shape):
    """A JPEG's bytes: a shape somewhere on a ground that changes from edge to edge."""
    corners, inner = shape
    height, width = 180 + 37 * seed % 110, 180 + 53 * seed % 110
    hue = 47 * seed % 360
    light, dark = (ImageColor.getrgb(f"hsl({hue}, 45%, {share}%)") for share in (85, 45))
    across = Image.linear_gradient("L").rotate(90 * (seed % 4)).resize((width, height))
    image = Image.composite(*(Image.new("RGB", across.size, ink) for ink in (light, dark)), across)
    radius = min(height, width) * (0.28 + 0.02 * (seed % 7))
    points = []
    for i in range(2 * corners):
        turn = math.pi * i / corners + seed
        reach = radius * (inner if i % 2 else 1)
        points.append((width / 2 + reach * math.cos(turn), height / 2 + reach * math.sin(turn)))
    if inner == 1:
        points = points[::2]
    ImageDraw.Draw(image).polygon(points, f"hsl({(hue + 150) % 360}, 70%, 50%)", "white")
    data = io.BytesIO()
    image.save(data, "JPEG", quality=90)
    return data.getvalue()


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = open_chromium(tmp_path_factory.mktemp("chromium"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """80 pictures of things that a person can tell apart, of many colours and sides."""
    root = tmp_path_factory.mktemp("page") / "data"
    for i in range(80):
        name = list(SHAPES)[i % len(SHAPES)]
        dataset.write(root, f"{name}/{i:02}.jpg", draw(i, SHAPES[name]))
    return root


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Pictures whose class, files and faults are named by somebody who means harm."""
    root = tmp_path_factory.mktemp("hostile") / "data"
    for i in range(8):
        dataset.write(root, f"{LABEL}/{i}.jpg", dataset.jpeg(i, 72, 96))
        dataset.write(root, f"plain/{i}.jpg", dataset.jpeg(i + 8, 96, 72))
    dataset.write(root, f"plain/{FILE}", dataset.truncated())
    return root


@pytest.fixture
def serve(daemon, driver):
    """A daemon with http, and its page, which is not loaded yet."""

    def make(source, recipe=RECIPE, **settings):
        quoted = {key: f'"{value}"' for key, value in {"http": "127.0.0.1:0", **settings}.items()}
        running = daemon(stream_text("train", source, recipe), settings=quoted)
        return running, Page(driver, running.events("http.listening")[-1]["port"])

    return make


@pytest.fixture
def train():
    """Trainers that take a batch now and then; stopped before the daemons are."""
    running = []

    def make(daemon, name="resnet50", compute_s=0.1):
        trainer = Busy(daemon.endpoint, "train", slow=SLOW, compute_s=compute_s, name=name)
        running.append(trainer)
        return trainer

    yield make
    for trainer in running:
        trainer.stop()


def batch_of(page, epoch, step):
    """What the daemon tells the page of a batch, asked by another way."""
    path = f"/api/batch?stream=train&epoch={epoch}&step={step}"
    port = page.root.rstrip("/").rpartition(":")[2]

    def told():
        reply, text = ask(port, path)
        return reply.status == 200 and json.loads(text)

    return wait_until(told, path)


def test_the_page_shows_what_the_trainers_see_and_keeps_up_with_it(serve, train, drawn):
    running, page = serve(drawn)
    train(running)
    page.resize(1280, 900)
    page.paint("light")
    page.open()
    page.wait_text("#status", "live")
    page.wait_text(".limit", "Limited by")
    page.wait_text("#trainers", "resnet50")
    page.wait_pictures("#tiles img", 8)
    words = page.text("#look-words")
    rate = page.text("#total b")
    page.wait("document.querySelector('#look-words').textContent !== arguments[0]", "more", words)
    page.wait("document.querySelector('#total b').textContent !== arguments[0]", "a rate", rate)
    page.wait("document.querySelector('.chart .line').getAttribute('d')", "a point of the chart")
    page.point_at(".chart svg")
    page.wait(
        "/ ago: [0-9,]+, (trainer|idle)/.test(document.querySelector('.chart output').value)",
        "a value",
    )
    page.wait_pictures("#tiles img", 8)
    assert page.overflow() <= 0
    assert page.complaints() == []
    page.shoot(os.path.join(SCREENSHOTS, "page.png"), 1280)


@once
def test_on_a_phone_nothing_is_wider_than_the_screen_and_at_night_it_is_dark(serve, train, drawn):
    running, page = serve(drawn)
    train(running)
    page.resize(360, 740)
    page.paint("dark")
    page.open()
    page.wait_pictures("#tiles img", 8)
    assert page.overflow() <= 0
    ground = page.run("return getComputedStyle(document.body).backgroundColor")
    assert max(map(int, ground[4:-1].split(","))) < 40
    page.shoot(os.path.join(SCREENSHOTS, "page-phone.png"), 360)
    page.find("#tiles button").click()
    page.wait_pictures("#slot img", 5)
    assert page.run("return document.querySelector('#slot').scrollWidth") <= 360
    assert page.complaints() == []


def boxes(page, place, kind):
    """The boxes of a kind that are drawn upon a picture, as the daemon tells them."""
    return page.run(
        """return [...document.querySelectorAll(arguments[0])].map(rect =>
            ["y", "x", "height", "width"].map(name => Number(rect.getAttribute(name))))""",
        f"#slot {place} rect.line.{kind}",
    )


@once
def test_a_slot_shows_its_two_files_their_crops_the_cut_and_the_label(serve, connect, drawn):
    running, page = serve(drawn)
    connect(running.endpoint).get("train", 2, 3)
    batch = batch_of(page, 2, 3)
    first, second = batch["slots"][:2]
    page.resize(1280, 900)
    page.open()
    page.wait_pictures("#tiles img", 8)
    page.run("document.querySelector('#tiles button').focus()")
    page.press("\ue007")  # Enter
    # The whole file is shown with its longest side at most 512.
    whole = [[s["source_height"], s["source_width"]] for s in (first, first["partner"])]
    shown = page.wait_pictures("#slot [data-part=original] img", 2)
    for real, seen in zip(whole, shown):
        assert abs(real[0] / real[1] - seen[0] / seen[1]) < 0.02
    assert page.wait_pictures("#slot [data-part=cropped] img", 2) == [[64, 64]] * 2
    assert page.wait_pictures("#slot [data-part=served] img", 1) == [[64, 64]]
    crops = [first["crop"], first["partner"]["crop"]]
    assert boxes(page, "[data-part=original]", "crop") == crops
    assert boxes(page, "[data-part=served]", "cut") == [first["cut"]]
    paths = page.texts("#slot [data-part=facts] > :first-child dd")
    assert paths == [first["path"], first["partner"]["path"]]
    shares = [row["name"] for row in first["target"]]
    assert page.texts("#slot [data-part=target] bdi") == shares
    assert "slot=0" in page.driver.current_url
    page.press("\ue014")  # right
    page.wait_text("#slot-title", "Slot 1")
    assert boxes(page, "[data-part=served]", "cut") == ([second["cut"]] if second["cut"] else [])
    assert "slot=1" in page.driver.current_url
    page.press("\ue00c")  # Escape
    page.wait("!document.querySelector('#slot').open && !location.hash.includes('slot')", "closed")
    assert page.complaints() == []


@once
def test_any_address_can_be_looked_at_and_sent_to_others(serve, connect, drawn):
    running, page = serve(drawn)
    connect(running.endpoint).get("train", 0, 1)
    page.open()
    page.wait_text("#look-words", "epoch 0, step 1 of 10")
    for field, number in (("#look-epoch", "7"), ("#look-step", "9")):
        page.find(field).clear()
        page.find(field).send_keys(number)
        assert not page.find("#look-follow").is_selected(), "typing is not overtaken"
    page.press("\ue007")
    page.wait_text("#look-words", "epoch 7, step 9 of 10")
    page.wait_pictures("#tiles img", 8)
    assert page.driver.current_url.endswith("#stream=train&epoch=7&step=9")
    page.find("#look-on").click()
    page.wait_text("#look-words", "epoch 8, step 0 of 10")
    page.find("#look-back").click()
    page.wait_text("#look-words", "epoch 7, step 9 of 10")
    page.find("#look-follow").click()
    page.wait_text("#look-words", "epoch 0, step 1 of 10")
    assert page.driver.current_url.endswith("#stream=train")
    page.open("#stream=train&epoch=7&step=9&slot=5")
    page.wait_text("#slot-title", "Slot 5")
    page.wait_pictures("#slot [data-part=served] img", 1)
    assert page.complaints() == []
    page.open("#stream=train&epoch=7&step=10")
    page.wait_text("#look-empty", "10")
    assert page.run("return document.querySelectorAll('#tiles img').length") == 0
    assert page.complaints("status of 404") == []


@once
def test_large_pictures_come_a_few_at_a_time(serve, connect, tmp_path):
    source = dataset.write_dear(tmp_path / "dear", 16)
    recipe = Recipe(batch=16, height=32, width=32)
    running, page = serve(source, recipe, workers=16, memory_max="4G")
    connect(running.endpoint).get("train", 0, 0)
    page.open()
    tiles = "document.querySelectorAll('#tiles img').length"
    count = page.wait(tiles, "a few")
    assert count < 16
    page.wait(f"{tiles} > arguments[0]", "more", count)
    titles = page.texts("#tiles [data-part=words]")
    assert titles == [f"slot {i}" for i in range(len(titles))]
    assert page.complaints() == []


@once
def test_names_that_try_are_shown_as_they_are(serve, connect, train, hostile):
    running, page = serve(hostile, Recipe(batch=16, height=32, width=32, mix="mixup"))
    client = connect(running.endpoint)
    client.hello("train", name=TRAINER)
    for epoch in range(2):
        client.get("train", epoch, 0)
    page.open()
    page.wait_text("#trainers", TRAINER)
    page.wait_text("#replaced", FILE)
    page.wait_text("#tiles", LABEL)
    place = page.texts("#tiles .label.own bdi").index(LABEL)
    page.run("document.querySelectorAll('#tiles button')[arguments[0]].click()", place)
    page.wait_text("#slot [data-part=facts]", f"{LABEL}/")
    page.wait_text("#slot [data-part=target], #slot h3 bdi", LABEL)
    strange = "script:not([src='page.js']), img[src='x'], [onerror], [onload], #trainers script"
    assert page.run("return document.querySelectorAll(arguments[0]).length", strange) == 0
    assert page.complaints() == []


def words_of(page):
    """What each tile says below its label."""
    return page.texts("#tiles [data-part=words]")


@once
def test_a_long_batch_is_turned_over_and_what_is_odd_in_it_is_told(serve, hostile):
    """40 slots of 17 pictures in their order, of which the ninth is broken; the rest is padding."""
    recipe = Recipe(batch=40, height=32, width=32, mix="none", order="sequential", last="mask")
    running, page = serve(hostile, recipe)
    page.open("#stream=train&epoch=0&step=0")
    page.wait_text("#pager", "Slots 0 to 15 of 40")
    page.wait_pictures("#tiles img", 16)
    assert [i for i, told in enumerate(words_of(page)) if "replaced" in told] == [8]
    assert not page.find("#pager [data-part=back]").is_enabled()
    page.find("#pager [data-part=on]").click()
    page.wait_text("#tiles", "slot 31")
    told = [f"slot {slot} · padding" for slot in range(17, 32)]
    told[25 - 17] += " · replaced"
    assert words_of(page) == ["slot 16", *told]
    page.find("#pager [data-part=on]").click()
    page.wait_text("#pager", "Slots 32 to 39 of 40")
    page.wait_pictures("#tiles img", 8)
    assert not page.find("#pager [data-part=on]").is_enabled()
    page.open("#stream=train&epoch=0&step=0&slot=25")
    page.wait_text("#slot [data-part=trouble]", "was replaced: ")
    page.wait_text("#slot [data-part=mixed]", "does not count")
    page.wait_text("#pager", "Slots 16 to 31 of 40")
    assert page.complaints() == []


@once
def test_slots_that_cannot_be_made_say_why(serve, hostile):
    """The broken picture is a slot's own and another one's partner: neither has a picture."""
    recipe = Recipe(batch=17, height=32, width=32, mix="mixup", on_corrupt="fail")
    running, page = serve(hostile, recipe)
    page.open("#stream=train&epoch=0&step=0&slot=2")
    page.wait_text("#slot [data-part=trouble]", "corrupt: ")
    page.wait_text("#slot [data-part=sources]", FILE)
    page.press("\ue00c")  # Escape
    page.wait("document.querySelectorAll('#tiles img[data-is=there]').length === 14", "the others")
    told = [words for words in words_of(page) if "cannot be read" in words]
    assert told == [
        "slot 2 · mixup · its partner cannot be read",
        "slot 15 · mixup · cannot be read",
    ]
    assert page.complaints() == []


@once
def test_a_token_is_asked_for_and_kept_for_the_tab(serve, drawn, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    running, page = serve(drawn, http_token=token)
    page.open()
    page.wait("!document.querySelector('#token').hidden", "the question for a token")
    assert not page.find("#main").is_displayed()
    page.find("#token-text").send_keys("another-token-than-that\n")
    page.wait_text("#token-error", "not its token")
    page.find("#token-text").send_keys(TOKEN + "\n")
    page.wait_text("#status", "live")
    assert page.find("#main").is_displayed() and not page.find("#token").is_displayed()
    assert page.complaints("status of 401") == []
    page.open()
    page.wait_text("#status", "live")
    assert page.complaints() == []


@once
def test_no_batch_no_trainer_and_no_daemon_are_told(serve, drawn):
    running, page = serve(drawn)
    page.open()
    page.wait_text(".limit", "Idle, nobody asks for a batch")
    page.wait_text("#look-empty", "No batch was sent yet")
    assert page.find("#trainers-empty").is_displayed()
    page.part_from_network()
    page.wait_text("#status", "no answer since")
    page.join_network()
    page.wait_text("#status", "live")
    assert page.complaints("ERR_INTERNET_DISCONNECTED") == []


@once
def test_a_page_that_nobody_looks_at_asks_for_nothing(serve, drawn):
    running, page = serve(drawn)
    asked = "performance.getEntriesByType('resource').filter(e => e.name.endsWith('/api/state'))"
    page.open()
    page.wait_text("#status", "live")
    # On its way down to the page, which asks as soon as it hears of it.
    page.run(
        """window.turns = [];
        addEventListener("visibilitychange", () => turns.push(performance.now()), true);"""
    )
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.driver.get(page.root)
    page.wait(f"{asked}.length >= 2", "the other tab's second question")
    page.driver.close()
    page.driver.switch_to.window(first)
    hidden, shown = page.wait("turns.length === 2 && turns", "the tab in sight again")
    page.wait(f"{asked}.some(e => e.startTime >= arguments[0])", "a question", shown)
    times = page.run(f"return {asked}.map(e => e.startTime)")
    assert [time for time in times if hidden < time < shown] == []
    assert shown - hidden > 2000, "it would have asked meanwhile"
