"""The fixtures of fixtures.py for the tests beside it."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fixtures import connect, daemon, good, launch, plan_of, small  # noqa: E402, F401
