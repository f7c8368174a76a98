"""Run photutils' own tests of apertures on skyshed, and say how many pass.

    python -m tests.drop_in.run_apertures [ARG...]     # under Python >= 3.12, with photutils 3.1.1

ARGs go to pytest. Tests that reach for private names are run but not counted (see `private`). What
fails is no surprise: docs/apertures.md says what there is not. The status is 0 if as many public
tests pass as `LEAST` says.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.drop_in.run import n_passed, read

#: Public tests that pass with photutils 3.1.1.
LEAST = 1025


def main() -> int:
    """Run the tests and print a summary, and each public failure."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.drop_in.aperture_plugin"]
        command += ["--pyargs", "photutils.aperture", "-p", "no:cacheprovider", "-o", "addopts="]
        command += ["--tb=no", "-W", "ignore", "-o", "junit_family=xunit1"]
        command += ["--continue-on-collection-errors", f"--junitxml={report}"]
        done = subprocess.run([*command, *sys.argv[1:]], check=False)
        if not report.exists():
            return done.returncode
        outcomes = [each for each in read(report) if "::" in each.name]
    public = [each for each in outcomes if each.kind == "public"]
    for each in public:
        if not each.passed:
            print(f"fails: {each.name}")
    print(f"public: {n_passed(public)} of {len(public)} passed")
    return int(n_passed(public) < LEAST and not sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
