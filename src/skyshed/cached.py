"""Properties that are computed once: `functools.cached_property`, without its lock in Python 3.11.

All objects of a class share that lock. Of two threads one waits for the other's image, and a
process that begins by a fork while a thread holds it waits for ever. Python 3.12 has none.
"""

import functools
import sys
from typing import TYPE_CHECKING, Any

__all__ = ["cached_property"]

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property
else:

    class cached_property(functools.cached_property):  # noqa: N801 - as in functools
        """Of two threads that ask at the same time both compute it, and get the same object."""

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            if instance is None:
                return self
            kept = instance.__dict__
            if self.attrname not in kept:
                return kept.setdefault(self.attrname, self.func(instance))
            return kept[self.attrname]
