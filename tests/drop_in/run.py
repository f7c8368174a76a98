"""Run photutils' own tests of segmentation and background on skyshed, and say what fails.

    python -m tests.drop_in.run [ARG...]     # under Python >= 3.12, with photutils 3.1.1

ARGs go to pytest. A warning that a test does not expect fails it, as in photutils' own runs. Tests
that reach for private names are run but not counted (see `private`); photutils' deprecation warning
is waived (see `waiver`). The status is 0 if what fails, and what the waiver is for, is exactly what
the tables of docs/differences.md list.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"
PACKAGES = ("photutils.segmentation", "photutils.background")
#: What the page says of the tests in the tables under some of its headings.
TABLES = {
    "fails": ("## Tests of photutils' that fail", "### Tests that count the waived warning"),
    "expects photutils' deprecation warning": ("### The warning that is waived",),
}


class Outcome(NamedTuple):
    """What became of a test; ``waived`` if it expects photutils' deprecation warning."""

    name: str
    kind: str
    waived: bool
    passed: bool


def main() -> int:
    """Run the tests; print a summary and each failure that counts."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.drop_in.plugin", "--pyargs"]
        command += ["-p", "no:cacheprovider", "-o", "addopts=", "-n", "2", "--tb=short"]
        command += ["-W", "error", "-o", "junit_family=xunit1", f"--junitxml={report}"]
        done = subprocess.run([*command, *PACKAGES, *sys.argv[1:]], check=False)
        if not report.exists():
            return done.returncode
        outcomes = read(report)
    public = [each for each in outcomes if each.kind == "public"]
    private = [each for each in outcomes if each.kind == "private"]
    waived = [each for each in public if each.waived]
    failed = [each for each in public if not each.passed]
    print(f"public: {n_passed(public)} of {len(public)} passed")
    print(f"  photutils' deprecation warning waived: {n_passed(waived)} of {len(waived)} passed")
    print(f"private: {n_passed(private)} of {len(private)} passed")
    agrees = [
        compare(saying, {function(each.name) for each in found}, whole=not sys.argv[1:])
        for saying, found in zip(TABLES, (failed, waived), strict=True)
    ]
    print(f"drop-in: {len(failed)} public tests fail")
    return int(not all(agrees))


def n_passed(outcomes: list[Outcome]) -> int:
    """Return how many passed."""
    return sum(each.passed for each in outcomes)


def function(name: str) -> str:
    """Return a test's name without its parameters: the page lists functions."""
    return re.sub(r"\[.*", "", name)


def compare(saying: str, found: set[str], *, whole: bool) -> bool:
    """Print how the page's tables differ from the tests ``found``; return whether they do not.

    If not the ``whole`` of the tests was run, the tables may have more.
    """
    listed: set[str] = set()
    for heading in TABLES[saying]:
        _, _, rest = PAGE.read_text().partition(f"\n{heading}\n")
        listed |= set(re.findall(r"`(test_\w+::[\w:]+)`", re.split(r"\n##+ ", rest)[0]))
    for name in sorted(found - listed):
        print(f"{name} {saying}, and is not listed in {PAGE.name}")
    for name in sorted(listed - found) if whole else ():
        print(f"{PAGE.name} says that {name} {saying}; it does not")
    return not (found ^ listed if whole else found - listed)


def read(report: Path) -> list[Outcome]:
    """Return what became of every test that was not skipped."""
    outcomes = []
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            continue
        noted = {p.get("name"): p.get("value") or "" for p in case.iter("property")}
        module, _, rest = (case.get("classname") or "").partition("tests.")[2].partition(".")
        name = "::".join(part for part in (module, rest, case.get("name")) if part)
        passed = case.find("failure") is None and case.find("error") is None
        waived = noted.get("waived") == "yes"
        outcomes.append(Outcome(name, noted.get("kind", "public"), waived, passed))
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
