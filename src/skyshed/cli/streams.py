"""Standard streams that never decide how a command ends."""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO

__all__ = ["forgiving_streams"]


class _Forgiving:
    """A text stream whose reader may go away, whose disk may be full, and that lacks letters.

    What cannot be written is left out; letters that the stream cannot show are spelled out.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write what can be written, and say that all was."""
        with suppress(OSError):
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is waiting, if that can be."""
        with suppress(OSError):
            self.stream.flush()


def forgiving_streams() -> None:
    """Let nothing that happens to standard output or error end the command, or change its status.

    A stream that was closed before the command began takes everything and shows nothing.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (as long as the process)
        setattr(sys, name, _Forgiving(stream))
