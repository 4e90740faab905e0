"""A browser of a few lines: one request, one connection."""

import http.client

from stokerd import SLOW


def fetch(port, path, method="GET", body=None, host="127.0.0.1", **headers):
    """The reply and its bytes; a header's name is written with underscores."""
    connection = http.client.HTTPConnection(host, int(port), timeout=20 * SLOW)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    return reply, data


def ask(*words, **options):
    """The reply and its text."""
    reply, data = fetch(*words, **options)
    return reply, data.decode()
