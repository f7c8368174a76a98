"""Run photutils' own tests of segmentation and background on skyshed, and say what fails.

    python -m tests.drop_in.run [ARG...]     # under Python >= 3.12, with photutils 3.1.1

ARGs go to pytest. Tests that reach for private names are run but not counted (see `private`); tests
of photutils' own deprecations are counted by themselves. The status is 0 if what fails is exactly
what the table of docs/differences.md lists.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"
PACKAGES = ("photutils.segmentation", "photutils.background")


def main() -> int:
    """Run the tests; print a summary and each failure that counts."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.drop_in.plugin", "--pyargs"]
        command += ["-p", "no:cacheprovider", "-o", "addopts=", "-n", "2", "--tb=short"]
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}", *PACKAGES, *sys.argv[1:]]
        done = subprocess.run(command, check=False)
        if not report.exists():
            return done.returncode
        outcomes = read(report)
    failed = {name: kind for name, kind, passed in outcomes if not passed}
    for kind in ("public", "deprecation", "private"):
        total = sum(each == kind for _, each, _ in outcomes)
        bad = sum(each == kind for each in failed.values())
        print(f"{kind}: {total - bad} of {total} passed")
    # One test function may fail under several parameters; the page lists functions.
    counted = {re.sub(r"\[.*", "", name) for name, kind in failed.items() if kind == "public"}
    listed = set(re.findall(r"`(test_\w+::[\w:]+)`", PAGE.read_text())) if PAGE.exists() else set()
    for name in sorted(counted - listed):
        print(f"fails and is not listed in {PAGE.name}: {name}")
    if not sys.argv[1:]:
        for name in sorted(listed - counted):
            print(f"listed in {PAGE.name} and does not fail: {name}")
    print(f"drop-in: {sum(k == 'public' for k in failed.values())} public tests fail")
    return int(bool(counted ^ listed if not sys.argv[1:] else counted - listed))


def read(report: Path) -> list[tuple[str, str, bool]]:
    """Return name, kind and whether it passed, of every test that was not skipped."""
    outcomes = []
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            continue
        kinds = [p.get("value") or "" for p in case.iter("property") if p.get("name") == "kind"]
        module, _, rest = (case.get("classname") or "").partition("tests.")[2].partition(".")
        name = "::".join(part for part in (module, rest, case.get("name")) if part)
        passed = case.find("failure") is None and case.find("error") is None
        outcomes.append((name, kinds[-1] if kinds else "public", passed))
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
