"""The dashboard and the alerts name metrics and labels that the daemon tells."""

import json
import os
import re

from plan1 import Recipe
from stokerd import ROOT, stream_text
from test_http import ask, promtool, samples

METRIC = re.compile(r"\bstoker_\w+")
RULES = os.path.join(ROOT, "systemd", "stoker.rules.yml")
DASHBOARD = os.path.join(ROOT, "systemd", "grafana-dashboard.json")


def told(daemon, connect, small):
    text = stream_text("train", small, Recipe(batch=4, height=8, width=8))
    running = daemon(text, settings={"http": '"127.0.0.1:0"'})
    connect(running.endpoint).hello("train")
    found = samples(ask(running.events("http.listening")[0]["port"], "/metrics")[1])
    return {key[0] for key in found}, {label for key in found for label, _ in key[1:]}


def test_every_metric_of_the_dashboard_and_the_alerts_is_told(daemon, connect, small):
    names, labels = told(daemon, connect, small)
    for path in (RULES, DASHBOARD):
        with open(path) as file:
            text = file.read()
        assert METRIC.findall(text), path
        assert set(METRIC.findall(text)) <= names, path
        assert set(re.findall(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}", text)) <= labels | {"instance"}
        assert set(re.findall(r"(\w+)=~", text)) <= labels | {"instance"}


def test_the_dashboard_is_one_that_fits_together():
    with open(DASHBOARD) as file:
        board = json.load(file)
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24 and not places & cells
        places |= cells
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")")


def test_prometheus_takes_the_rules():
    promtool("check", "rules", RULES)
