"""Peers of another version: messages of earlier ones, and a proxy that turns today's into them.

What an earlier version knows is what its frozen messages in tests/golden hold.
"""

import json
import os
import threading

import wire
import zmq

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EARLIER = os.path.join(ROOT, "tests", "golden", "0.1.0")


def frozen():
    """{name: (is it a request, content, bytes)} of every frozen message."""
    messages = {}
    for file in sorted(os.listdir(EARLIER)):
        with open(os.path.join(EARLIER, file)) as text:
            data = bytes.fromhex("".join(text.read().splitlines()[1:]))
        content = wire.decode(data)
        name = file.removesuffix(".hex")
        request = name.endswith("_request") or content["k"] not in wire.REPLIES
        messages[name] = request, content, data
    return messages


def keys_of(*values):
    """What values hold: a map's keys with theirs, a list's rows together, None for a leaf."""
    maps = [value for value in values if isinstance(value, dict)]
    lists = [value for value in values if isinstance(value, list)]
    if maps:
        names = {name for value in maps for name in value}
        return {name: keys_of(*(value[name] for value in maps if name in value)) for name in names}
    return [keys_of(*(row for rows in lists for row in rows))] if lists else None


def keys_by_kind(requests):
    """What earlier requests, or replies, of each kind hold."""
    messages = [content for request, content, _ in frozen().values() if request == requests]
    kinds = {message["k"] for message in messages}
    return {kind: keys_of(*(m for m in messages if m["k"] == kind)) for kind in kinds}


def older(value, keys):
    """A value without what an earlier version has not; figures are named freely."""
    if isinstance(value, dict) and isinstance(keys, dict):
        return {
            name: inner if name == "figures" else older(inner, keys[name])
            for name, inner in value.items()
            if name in keys
        }
    if isinstance(value, list) and isinstance(keys, list):
        return [older(row, keys[0]) for row in value]
    return value


def newer(value, _):
    """A value with keys that nobody knows yet, in every map."""
    if isinstance(value, dict):
        grown = {
            name: inner if name == "figures" else newer(inner, _) for name, inner in value.items()
        }
        return {"zz_new": [{"zz": 1}], **grown, "zz_more": b"\xff"}
    return [newer(row, _) for row in value] if isinstance(value, list) else value


class Proxy(threading.Thread):
    """Stands between trainers and a daemon, and changes what either says."""

    def __init__(self, endpoint, served, change):
        super().__init__(daemon=True)
        self.endpoint = endpoint
        self.change = change
        self.requests, self.replies = keys_by_kind(True), keys_by_kind(False)
        self.changed = set()  # kinds of which one was not as it is now
        self.context = zmq.Context()
        self.front = self.context.socket(zmq.ROUTER)
        self.front.linger = 0
        self.front.bind(served)
        self.control = self.context.socket(zmq.PAIR)
        self.control.bind("inproc://end")
        self.back = {}  # by identity
        self.start()

    def translate(self, frame, kinds):
        message = wire.decode(frame)
        changed = self.change(message, kinds.get(message["k"]))
        if changed != message:
            self.changed.add(message["k"])
        return wire.encode(changed)

    def request(self, identity, frame):
        if identity not in self.back:
            self.back[identity] = self.context.socket(zmq.DEALER)
            self.back[identity].linger = 0
            self.back[identity].connect(self.endpoint)
        self.back[identity].send(self.translate(frame, self.requests))

    def reply(self, identity, head, *frames):
        self.front.send_multipart([identity, self.translate(head, self.replies), *frames])

    def run(self):
        ending = self.context.socket(zmq.PAIR)
        ending.connect("inproc://end")
        while True:
            sockets = [ending, self.front, *self.back.values()]
            ready, _, _ = zmq.select(sockets, [], [])
            if ending in ready:
                break
            if self.front in ready:
                self.request(*self.front.recv_multipart())
            for identity, back in self.back.items():
                if back in ready:
                    self.reply(identity, *back.recv_multipart())
        for one in (ending, self.front, *self.back.values()):
            one.close(0)

    def end(self):
        self.control.send(b"")
        self.join()
        self.control.close(0)
        self.context.term()
