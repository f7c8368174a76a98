"""Do all long runs, or those that are named; one that was stopped goes on."""

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

from tests.endurance.runs import RUNS, one_line

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RUNS)}")
parser.add_argument("--state", type=Path, default=Path("endurance.json"))
parser.add_argument("--tries", type=int, help="at most so many of each")
parser.add_argument("--seconds", type=float, help="stop after so long; the next call goes on")


def table(state: dict) -> str:
    """Return what came of all tries."""
    lines = ["| run | tries | came of them | wrong | shows |", "| --- | --- | --- | --- | --- |"]
    for name, run in RUNS.items():
        if name in state:
            kept = state[name]
            counts = ", ".join(f"{count} {came}" for came, count in sorted(kept["came"].items()))
            wrong = len(kept["wrong"])
            lines.append(f"| {name} | {kept['done']} | {counts} | {wrong} | {run.promise} |")
    return "\n".join(lines)


def main(arguments: argparse.Namespace) -> int:
    """Do what is left to do; return 1 if anything was wrong."""
    unknown = set(arguments.names) - set(RUNS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}: {', '.join(RUNS)}")
    state = json.loads(arguments.state.read_text()) if arguments.state.exists() else {}
    end = time.monotonic() + (arguments.seconds or float("inf"))
    for name in arguments.names or RUNS:
        run, kept = RUNS[name], state.setdefault(name, {"done": 0, "came": {}, "wrong": []})
        came = Counter(kept["came"])
        for n in range(kept["done"], min(run.tries, arguments.tries or run.tries)):
            if time.monotonic() > end:
                break
            try:
                found = run.attempt(n)
                came.update([found] if isinstance(found, str) else found)
            except Exception as error:
                kept["wrong"].append([n, one_line(error)])
                print(f"{name} {n}: {one_line(error)}", flush=True)
            kept["done"], kept["came"] = n + 1, dict(came)
            part = arguments.state.with_suffix(".part")
            part.write_text(json.dumps(state))
            os.replace(part, arguments.state)
        print(f"{name}: {kept['done']} of {run.tries}", flush=True)
    print(table(state))
    return int(any(kept["wrong"] for kept in state.values()))


if __name__ == "__main__":
    sys.exit(main(parser.parse_args()))
