"""What stands in the place of a function or a class of photutils or astropy."""

import functools
import inspect
import threading
import types
from abc import ABCMeta
from collections.abc import Callable
from typing import Any

from skyshed.accel.calls import call
from skyshed.accel.receipts import RECEIPT

__all__ = ["SWITCH", "class_for", "function_for"]

#: Whether stand-ins run on skyshed. Those that a program still holds where `uninstall` does not
#: look, in a default argument or a closure, are the originals afterwards.
SWITCH = threading.Event()


def function_for(name: str, ours: Callable[..., Any], theirs: Callable[..., Any]) -> Any:
    """Return a function that looks as ``theirs``, and runs on ``ours`` where that can.

    Examples
    --------
    >>> import inspect
    >>> from skyshed.accel.stand_ins import function_for
    >>> def theirs(data, *, n_pixels=5):
    ...     return "theirs"
    >>> detect = function_for("detect", lambda data: "ours", theirs)
    >>> inspect.signature(detect)
    <Signature (data, *, n_pixels=5)>
    >>> detect([1])  # nothing is installed
    'theirs'
    """

    @functools.wraps(theirs)
    def stand_in(*args: Any, **kwargs: Any) -> Any:
        if not SWITCH.is_set():
            return theirs(*args, **kwargs)
        return call(RECEIPT, name, ours, theirs, args, kwargs)

    return stand_in


class _StandIn(ABCMeta):
    """The metaclass of classes that stand in the place of others.

    They are never instantiated: a call makes an object of skyshed, or of photutils where skyshed
    refuses, and both are instances of the stand-in. A class that is derived from one derives from
    photutils' class, since it may use what is private there.

    It is ABCMeta's heir so that a class may derive from an abstract class besides.
    """

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any
    ) -> Any:
        theirs = tuple(vars(b)["__wrapped__"] if isinstance(b, _StandIn) else b for b in bases)
        if theirs == bases:
            return super().__new__(mcs, name, bases, namespace, **kwargs)
        for base in bases:
            if isinstance(base, _StandIn):
                RECEIPT.was_derived(f"{namespace.get('__module__')}.{name}", base.__name__)
        return types.new_class(name, theirs, kwargs, lambda body: body.update(namespace))

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not SWITCH.is_set():
            return _theirs(cls)(*args, **kwargs)
        return call(RECEIPT, cls.__name__, _ours(cls), _theirs(cls), args, kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, (_theirs(cls), _ours_public(cls)))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is cls or issubclass(subclass, (_theirs(cls), _ours_public(cls)))

    def __getattr__(cls, name: str) -> Any:
        value = getattr(_theirs(cls), name)
        return _either(cls, name, value) if inspect.isfunction(value) else value

    def __setattr__(cls, name: str, value: Any) -> None:
        if name.startswith("_abc_") or name == "__abstractmethods__":
            super().__setattr__(name, value)
            return
        raise AttributeError(
            f"{cls.__name__} stands in the place of photutils' class (skyshed.accel), and "
            f"{name!r} can't be set on it: set it on skyshed.{cls.__name__}, or after uninstall()"
        )

    def __dir__(cls) -> list[str]:
        return sorted({*super().__dir__(), *dir(_theirs(cls))})


def _ours(cls: type) -> Any:
    return vars(cls)["_skyshed_accel"]


def _ours_public(cls: type) -> Any:
    """Return the class of `skyshed` itself, of which that of `skyshed.accel` may be an heir."""
    return next(c for c in _ours(cls).__mro__ if not c.__module__.startswith("skyshed.accel."))


def _theirs(cls: type) -> Any:
    return vars(cls)["__wrapped__"]


def _either(cls: type, name: str, theirs: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method for ``Class.method(x)``: that of the library that ``x`` belongs to."""

    @functools.wraps(theirs)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        of = theirs if issubclass(type(self), _theirs(cls)) else getattr(_ours(cls), name)
        return of(self, *args, **kwargs)

    return method


def class_for(name: str, ours: type, theirs: Any) -> Any:
    """Return a class that looks as ``theirs``, and makes objects of ``ours`` where that can.

    Examples
    --------
    >>> from photutils.background import LocalBackground as Theirs
    >>> from skyshed import LocalBackground as Ours
    >>> from skyshed.accel.stand_ins import class_for
    >>> LocalBackground = class_for("LocalBackground", Ours, Theirs)
    >>> type(LocalBackground(3, 5)) is Theirs  # nothing is installed
    True
    >>> isinstance(Ours(3, 5), LocalBackground), isinstance(Theirs(3, 5), LocalBackground)
    (True, True)
    """
    namespace = {
        # What is looked up on a class before its metaclass is asked.
        "__module__": theirs.__module__,
        "__qualname__": theirs.__qualname__,
        "__doc__": theirs.__doc__,
        "__signature__": inspect.signature(theirs),
        "__wrapped__": theirs,
        "_skyshed_accel": ours,
        # pickles of photutils' objects are made of this.
        "__new__": lambda cls, *args, **kwargs: theirs.__new__(theirs),
    }
    stand_in: Any = ABCMeta.__new__(_StandIn, name, (), namespace)
    for special, method in inspect.getmembers_static(theirs, inspect.isfunction):
        if special.startswith("__") and special not in namespace:
            type.__setattr__(stand_in, special, _either(stand_in, special, method))
    return stand_in
