"""The package as it stands in client/python, and the fixtures of tests/integration."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGE = os.path.join(ROOT, "client", "python")
sys.path[:0] = [PACKAGE, os.path.join(ROOT, "tests", "integration")]
# PyTorch's threads wait for each other by spinning, and other tests run beside these.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# For the interpreters that tests start.
os.environ["PYTHONPATH"] = os.pathsep.join([PACKAGE, *filter(None, [os.environ.get("PYTHONPATH")])])

from fixtures import daemon, good, launch, plan_of, small  # noqa: E402, F401
