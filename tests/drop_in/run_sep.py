"""Run SEP's own tests with `skyshed.sep` in SEP's place.

    python -m tests.drop_in.run_sep FOLDER [ARG...]     # FOLDER: an unpacked sdist of SEP 1.4.1

ARGs go to pytest, whose status it is. All 26 pass.
"""

import subprocess
import sys
from pathlib import Path

START = """
import sys, pytest, skyshed.sep
sys.modules["sep"] = skyshed.sep
sys.exit(pytest.main(sys.argv[1:]))
"""


def main() -> int:
    """Run the tests in the folder, where their images are."""
    folder = Path(sys.argv[1])
    command = [sys.executable, "-c", START, "-q", "test.py", "-p", "no:cacheprovider"]
    return subprocess.run([*command, *sys.argv[2:]], cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
