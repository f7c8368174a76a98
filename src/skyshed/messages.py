"""How errors are quoted, and which line of the user's code a warning points at."""

import contextlib
import os
import sys

__all__ = ["find_stack_level", "one_line"]

#: The folder of the package; frames of code elsewhere are the user's.
PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
#: Frames that stand between those of the package where it uses context managers of its own.
OURS = (PACKAGE, contextlib.__file__)


def one_line(error: object) -> str:
    r"""Return the message of an exception in one line; without a message, the name of its class.

    Examples
    --------
    >>> from skyshed.messages import one_line
    >>> one_line(OSError("no such\n  file")), one_line(KeyError())
    ('no such file', 'KeyError')
    """
    return " ".join(str(error).split()) or type(error).__name__


def find_stack_level() -> int:
    """Return the ``stacklevel`` with which a warning points at the line that called skyshed.

    It is the number of frames up to the first one outside the package.

    Examples
    --------
    >>> from skyshed.messages import find_stack_level
    >>> find_stack_level()  # called by the user's code itself
    1
    """
    level = 1
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(OURS) and frame.f_back is not None:
        frame = frame.f_back
        level += 1
    return level
