"""Keep of other projects' inventories what our docstrings name.

    python docs/inventories/trim.py NAME=objects.inv ...

The site is built without a network, so inventories are stored; whole ones would be most of the
repository's text. Those here are of Debian 12's documentation packages: Python 3.11, astropy 5.2,
SciPy 1.10.
"""

import re
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src/skyshed"
NAME = re.compile(r"`~?([A-Za-z_][\w.]+)`")
LINES_OF_HEAD = 4


def named() -> set[str]:
    """Return what stands between backticks in the package, and what types are made of."""
    texts = [path.read_text() for path in SOURCES.rglob("*.py")]
    plain = {"None", "True", "False", "str", "int", "float", "bool", "list", "dict", "tuple"}
    return plain.union(*(NAME.findall(text) for text in texts))


def trim(path: Path, names: set[str]) -> bytes:
    """Return an inventory (version 2) with the Python objects that are named."""
    content = path.read_bytes()
    head, rest = b"", content
    for _ in range(LINES_OF_HEAD):
        line, _, rest = rest.partition(b"\n")
        head += line + b"\n"
    lines = zlib.decompress(rest).decode().splitlines()
    kept = [line for line in lines if " py:" in line and line.split(" ", 1)[0] in names]
    return head + zlib.compress("".join(f"{line}\n" for line in kept).encode(), 9)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        name, _, path = argument.partition("=")
        (HERE / f"{name}.inv").write_bytes(trim(Path(path), named()))
