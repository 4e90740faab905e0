"""Debian's Chromium without a window, and what the tests ask of a page in it."""

import base64
import os
import shutil

import pytest

from stokerd import SLOW, wait_until

PROGRAMS = [shutil.which(name) for name in ("chromium", "chromedriver")]
WAIT_S = 60  # the machine is shared with the other tests

# It reaches this host alone, writes nowhere but below its profile, and updates nothing.
OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-proxy-server",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def open_chromium(profile):
    """A driver of a new Chromium; where there is none the test is skipped, but not in CI."""
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        webdriver = None
    if webdriver is None or None in PROGRAMS:
        missing = "chromium, chromium-driver and python3-selenium are not all installed"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = PROGRAMS[0]
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service(PROGRAMS[1]), options=options)
    driver.set_page_load_timeout(60 * SLOW)
    driver.set_script_timeout(60 * SLOW)
    return driver


class Page:
    """The daemon's page in a browser."""

    def __init__(self, driver, port):
        self.driver = driver
        self.root = f"http://127.0.0.1:{port}/"

    def open(self, address=""):
        """Load it anew, behind its own hash the address."""
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get(self.root + address)
        return self

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, what, *arguments):
        """Wait until an expression is true; its value."""
        return wait_until(lambda: self.run(f"return {script}", *arguments), what, WAIT_S)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def texts(self, selector):
        return self.run(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent.trim())",
            selector,
        )

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def point_at(self, selector):
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).move_to_element(self.find(selector)).perform()

    def press(self, keys):
        """As from the keyboard, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(keys)

    def wait_text(self, selector, text):
        script = "document.querySelector(arguments[0])?.textContent.includes(arguments[1])"
        return self.wait(script, f'"{text}" in {selector}', selector, text)

    def wait_pictures(self, selector, count):
        """Wait until so many pictures are there and are pictures; the sides of each."""
        script = """(() => {
            const images = [...document.querySelectorAll(arguments[0])];
            const there = images.every(i => i.dataset.is === "there" && i.complete);
            return images.length === arguments[1] && there &&
                images.map(i => [i.naturalHeight, i.naturalWidth]);
        })()"""
        sides = self.wait(script, f"{count} pictures in {selector}", selector, count)
        assert all(min(pair) > 0 for pair in sides), sides
        return sides

    def complaints(self, *expected):
        """What the console has to say, but for what is expected."""
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        # A daemon that has no time for pictures just now says so, and is asked again.
        expected = (*expected, "status of 503")
        return [text for text in messages if not any(word in text for word in expected)]

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def resize(self, width, height):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def paint(self, scheme):
        """The scheme, and nothing on its way that a screenshot would catch half way."""
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.command("Emulation.setEmulatedMedia", features=features)

    def part_from_network(self):
        self.driver.set_network_conditions(offline=True, latency=0, throughput=1)

    def join_network(self):
        self.driver.delete_network_conditions()

    def overflow(self):
        """By how many pixels it is wider than its window."""
        return self.run("return document.documentElement.scrollWidth - innerWidth")

    def shoot(self, path, width):
        height = self.run("return document.documentElement.scrollHeight")
        area = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        picture = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=area)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))
