"""Fixtures: data sets drawn once a session, daemons that are stopped and judged after a test."""

import signal

import dataset
import plan1
import pytest
import stokerd
import wire

# A shell's background job ignores SIGINT, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def good(tmp_path_factory):
    """The root of 60 good pictures."""
    return dataset.write_good(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The root of 21 small pictures of one size, in 3 classes."""
    return dataset.write_small(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def plan_of(good):
    """Plans over the good pictures; decoded pictures are shared by the plans of a session."""
    samples, _ = plan1.list_folder(good)
    first = plan1.Plan(plan1.Recipe(), samples)

    def make(recipe):
        plan = plan1.Plan(recipe, samples)
        plan.decoded = first.decoded
        return plan

    return make


@pytest.fixture
def launch():
    """Start a daemon without waiting for anything; it is cleaned up, not judged."""
    running = []

    def make(streams, **options):
        running.append(stokerd.Stokerd(streams, **options))
        return running[-1]

    yield make
    for daemon in running:
        daemon.discard()
        print(daemon.stderr)  # pytest shows it where the test failed


@pytest.fixture
def daemon(launch):
    """Start a daemon and wait until it is ready; afterwards it must drain and exit with 0."""
    running = []

    def make(streams, **options):
        running.append(launch(streams, **options).wait_ready())
        return running[-1]

    yield make
    for one in running:
        if one.process.returncode is None:
            one.stop()
        one.judge()


@pytest.fixture
def connect():
    """Connect a client to an endpoint; closed before the daemons are stopped."""
    clients = []

    def make(endpoint, **options):
        clients.append(wire.Client(endpoint, slow=stokerd.SLOW, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
