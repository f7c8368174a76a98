"""The logger of the package: silent in Python, unless a program asks for what it says.

``logging.getLogger("skyshed").setLevel("INFO")`` and a handler show how runs get on; the command
line sets both.
"""

import logging

__all__ = ["LOGGER", "PROGRESS"]

#: What runs have found, and details at the level of DEBUG.
LOGGER = logging.getLogger("skyshed")
LOGGER.addHandler(logging.NullHandler())  # so that Python prints nothing where no program asked
#: How a run gets on; a child of it, so that it can be left out where a bar shows the same.
PROGRESS = LOGGER.getChild("progress")
