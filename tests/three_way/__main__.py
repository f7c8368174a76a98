"""Compare many cases and print what came of them; a run that was stopped goes on."""

import argparse
import sys
from pathlib import Path

import photutils

from tests.three_way.run import OTHERS, run

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--count", type=int, default=20_000)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--state", type=Path, help="a file to keep what is done in")
parser.add_argument("--no-device", action="store_true", help="leave the emulated kernels out")
arguments = parser.parse_args()
others = OTHERS[:1] if arguments.no_device else OTHERS
tally = run(arguments.count, arguments.seed, arguments.state, others)
print(f"photutils {photutils.__version__}")
print(tally)
sys.exit(1 if tally.unknown else 0)
