"""Draw many structures and print what came of them."""

import argparse
import sys

from tests.images.random_files.run import run

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--count", type=int, default=5000)
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()
tally = run(arguments.count, arguments.seed, lambda each: print(*each, flush=True))
print(tally)
sys.exit(1 if tally.wrong else 0)
