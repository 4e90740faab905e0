"""libzmq ends the process where it finds no memory: a daemon that is started again loses nothing.

The N-th allocation of libzmq fails (tests/faults/libzmq_memory.c), for a sample of N by
STOKER_SEED; a trainer goes on through it all, and prints what one prints that nothing befell.
"""

import os
import random
import signal
import subprocess

import pytest

from plan1 import Recipe
from stokerd import BUILD, ROOT, SLOW, is_sanitized, stream_text, wait_until

TRAINER = os.path.join(ROOT, BUILD, "client", "examples", "trainer")
PRELOADED = os.path.join(ROOT, BUILD, "libzmq-memory.so")
SEED = int(os.environ.get("STOKER_SEED", "1"))
RECIPE = Recipe(batch=3, height=16, width=16)
RUNS = 8


class Service:
    """Daemons at one path, each started where the one before it died; the first lacks memory."""

    def __init__(self, launch, text, fault):
        self.launch, self.text = launch, text
        self.running = launch(text, environment={"LD_PRELOAD": PRELOADED, "ZMQ_FAULT": str(fault)})
        self.statuses = []

    def look(self):
        if not self.running.is_alive():
            self.statuses.append(self.running.wait_exit())
            self.running = self.launch(self.text, listen=self.running.listen)


def start_trainer(endpoint):
    return subprocess.Popen(
        [TRAINER, f"{endpoint}/train"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer has its own malloc")
def test_a_restart_after_libzmqs_abort_gives_a_trainer_every_step_once(launch, daemon, small):
    text = stream_text("train", small, RECIPE)
    undisturbed, _ = start_trainer(daemon(text).endpoint).communicate(timeout=30 * SLOW)
    assert undisturbed.count("\n") == 14
    faults = random.Random(SEED).sample(range(1, 240), RUNS)
    statuses = []
    for fault in faults:
        service = Service(launch, text, fault)
        trainer = start_trainer(service.running.listen[0])

        def is_done():
            service.look()
            return trainer.poll() is not None

        wait_until(is_done, f"the trainer's end, fault {fault}, seed {SEED}", 30)
        printed, complained = trainer.communicate()
        assert (trainer.returncode, printed) == (0, undisturbed), f"fault {fault}: {complained}"
        service.running.discard()
        statuses += service.statuses
    assert set(statuses) <= {-signal.SIGABRT, 1}, f"seed {SEED}: {statuses}"
    assert statuses.count(-signal.SIGABRT) > 0, f"seed {SEED}: {statuses}"
