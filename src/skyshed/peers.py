"""Objects that pass as photutils' own where a library asks `isinstance`.

Libraries that take segmentation images or estimators of the background ask whether they are
instances of photutils' classes. Ours answer by their ``__class__``, which `isinstance` looks at
where the type is another.
"""

import inspect
import sys
from typing import Any

__all__ = ["PassesAsPhotutils", "peer_of"]


def peer_of(cls: type) -> type | None:
    """Return photutils' class of the same name as one of skyshed's.

    photutils is not imported to find it: a program that has not imported it can't ask for its
    classes.

    Examples
    --------
    >>> from photutils.segmentation import SegmentationImage as Theirs
    >>> from skyshed import SegmentationImage
    >>> from skyshed.peers import peer_of
    >>> peer_of(SegmentationImage) is Theirs
    True
    """
    if not cls.__module__.startswith("skyshed."):
        return None
    for package in ("photutils.segmentation", "photutils.background"):
        peer = getattr(sys.modules.get(package), cls.__name__, None)
        # Where `skyshed.accel` is installed, the class that stands there wraps photutils'.
        peer = inspect.unwrap(peer) if isinstance(peer, type) else None
        if isinstance(peer, type):
            return peer
    return None


class PassesAsPhotutils:
    """A class whose instances are, for `isinstance`, of photutils' class of the same name, too.

    They remain of their own type: ``type(x)``, copies and pickles know nothing of it. Classes that
    users derive are theirs alone, so that ``self.__class__(...)`` makes one of them.

    Examples
    --------
    >>> import numpy as np
    >>> from photutils.segmentation import SegmentationImage as Theirs
    >>> from skyshed import SegmentationImage
    >>> isinstance(SegmentationImage(np.array([[0, 1]])), Theirs)
    True
    """

    @property  # type: ignore[misc]  # object's can be set
    def __class__(self) -> Any:
        return peer_of(type(self)) or type(self)

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *vars(self)})  # object's lists the names of ``__class__``

    def __reduce_ex__(self, protocol: Any) -> Any:
        # pickle insists that what makes an object new names its ``__class__``.
        reduced: Any = super().__reduce_ex__(max(int(protocol), 2))
        make, args, *rest = reduced
        if getattr(make, "__name__", "") == "__newobj__":
            make = _new_object
        return (make, args, *rest)


def _new_object(cls: type, *args: Any) -> Any:
    """Make an object without calling its ``__init__``, when it is unpickled."""
    return cls.__new__(cls, *args)
