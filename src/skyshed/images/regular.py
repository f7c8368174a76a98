"""Files that can be read: pipes and devices are none, and may have no end."""

import os
import stat

__all__ = ["check_file"]


def check_file(path: str | os.PathLike[str], name: str) -> None:
    """Refuse what is no file and no folder, such as a pipe: reading it may have no end.

    Raises
    ------
    ValueError
        The message names it.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # not there, or the HDU is named behind it: its opener says so
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kind = "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"
        raise ValueError(
            f"{name} must be a file, and {os.fspath(path)} is {kind}: write the image to a file"
        )
