"""When Python looks for cycles of objects that nothing else holds.

Imports make some 300,000 objects that stay. Looking at them takes a twentieth of the time of a
small image, and finds nothing.
"""

import atexit
import gc

__all__ = ["collect_from_now_on", "leave_for_now"]

#: Objects made before Python looks among them, once the work has begun. By its own number, 700,
#: looking takes a tenth of the time of a small image.
COLLECT_AFTER = 50_000


def leave_for_now() -> None:
    """Let a process that has just begun import what it needs; it calls `collect_from_now_on`."""
    gc.disable()
    # So that Python does not look among all objects once more as it ends, for 0.2 s.
    atexit.register(gc.freeze)


def collect_from_now_on() -> None:
    """Look for cycles again, but not among what there is; nothing, where that is done already."""
    if gc.isenabled():
        return
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
    gc.enable()
