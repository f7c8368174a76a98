"""Replacing modules, those that are imported already and those that will be.

A package is replaced when it has been imported as a whole: its own modules, and all other modules
of photutils, keep the originals. In `sys.modules`, and as attributes of their parents, stand
modules that have all that the originals have, but for the names that are replaced.
"""

import contextlib
import copyreg
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from skyshed.accel.stand_ins import SWITCH
from skyshed.accel.targets import PACKAGES, stand_ins
from skyshed.exceptions import DeblendWarning, NoDetectionsWarning

__all__ = ["Hook"]

#: The oldest photutils whose names are those that tables get here.
OLDEST = 3
#: Modules that keep the originals: they are what stands behind, or may be asked by it.
THEIR_OWN = ("photutils", "astropy", "skyshed")
WARNINGS = (DeblendWarning, NoDetectionsWarning)


class Hook:
    """What installing changes, and how it is undone."""

    def __init__(self) -> None:
        self._finder = _Finder(self._imported)
        self._installed = False
        self._lock = threading.RLock()
        #: id of an object -> the object, and what stands in its place.
        self._new: dict[int, tuple[Any, Any]] = {}
        self._modules: dict[str, ModuleType] = {}
        self._warnings: dict[type, tuple[type, ...]] = {}
        self._pickled: set[type] = set()

    def install(self, namespace: dict[str, Any] | None = None) -> None:
        """Replace what has been imported, and what will be; see `skyshed.accel.install`."""
        _check_photutils()
        with self._lock:
            if not self._installed:
                self._installed = True
                SWITCH.set()
                sys.meta_path.insert(0, self._finder)
                for name in PACKAGES:
                    if name in sys.modules:
                        self._replace(sys.modules[name])
            self._rebind(_users(), self._new)
            self._rebind([namespace or {}], self._new)

    def uninstall(self, namespace: dict[str, Any] | None = None) -> None:
        """Undo all of it; see `skyshed.accel.uninstall`."""
        with self._lock:
            if not self._installed:
                return
            self._installed = False
            SWITCH.clear()
            sys.meta_path.remove(self._finder)
            back = {id(new): (new, old) for old, new in self._new.values()}
            sys.modules.update(self._modules)
            self._rebind([vars(module) for module in _modules()], back)
            self._rebind([namespace or {}], back)
            for warning, bases in self._warnings.items():
                warning.__bases__ = bases
            for theirs in self._pickled:
                copyreg.dispatch_table.pop(theirs, None)
            self._new, self._modules, self._warnings, self._pickled = {}, {}, {}, set()

    def _imported(self, module: ModuleType) -> None:
        """Go on when a module has been imported that the hook watches."""
        with self._lock:
            if not self._installed:
                return
            if module.__name__ in PACKAGES:
                self._replace(module)
            else:  # a module of photutils: it keeps the originals
                back = {id(new): (new, old) for old, new in self._new.values()}
                self._rebind([vars(module)], back)

    def _replace(self, package: ModuleType) -> None:
        """Put stand-ins in the place of a package, its modules and its names."""
        new = {id(old): (old, stand_in) for old, stand_in in stand_ins(package)}
        prefix = f"{package.__name__}."
        inside = {
            name: module
            for name, module in list(sys.modules.items())
            if name == package.__name__ or name.startswith(prefix)
        }
        replaced = {
            name: _StandInModule(module)
            for name, module in inside.items()
            if any(id(value) in new for value in vars(module).values())
            and not name.startswith(f"{prefix}tests")
        }
        new |= {id(inside[name]): (inside[name], module) for name, module in replaced.items()}
        for name, module in replaced.items():
            _fill(module, inside[name], new)
            self._modules[name] = inside[name]
        self._new |= new
        sys.modules.update(replaced)
        parent = sys.modules[package.__name__.rpartition(".")[0]]
        self._rebind([vars(parent)], new)
        for old, _ in new.values():
            if isinstance(old, type):
                copyreg.pickle(old, _reduce)
                self._pickled.add(old)
        self._adopt_warnings()

    def _adopt_warnings(self) -> None:
        """Let skyshed's warnings be photutils' of the same names, for filters and ``except``."""
        theirs = sys.modules.get("photutils.utils.exceptions")
        for warning in WARNINGS:
            peer = getattr(theirs, warning.__name__, None)
            if peer is not None and warning not in self._warnings:
                self._warnings[warning] = warning.__bases__
                warning.__bases__ = (peer,)

    @staticmethod
    def _rebind(namespaces: Iterable[dict[str, Any]], new: Mapping[int, tuple[Any, Any]]) -> None:
        """Replace the objects that namespaces hold by name."""
        for names in namespaces:
            found = [(n, new[id(v)][1]) for n, v in list(names.items()) if id(v) in new]
            names.update(found)


def _check_photutils() -> None:
    """Raise an ImportError unless there is a photutils that skyshed stands in for."""
    if importlib.util.find_spec("photutils") is None:
        raise ImportError(
            "skyshed.accel needs photutils, which is not installed: pip install 'skyshed[accel]'"
        )
    version = importlib.metadata.version("photutils")
    if int(version.partition(".")[0]) < OLDEST:
        raise ImportError(
            f"skyshed.accel stands in for photutils {OLDEST} or newer, photutils {version} is "
            "installed: pip install 'skyshed[accel]'"
        )


def _modules() -> list[ModuleType]:
    """Return all modules; some programs put other things among them."""
    return [each for each in list(sys.modules.values()) if isinstance(each, ModuleType)]


def _users() -> list[dict[str, Any]]:
    """Return the names of all modules that may hold what is replaced."""
    return [
        vars(module)
        for name, module in list(sys.modules.items())
        if isinstance(module, ModuleType) and name.partition(".")[0] not in THEIR_OWN
    ]


class _StandInModule(ModuleType):
    """A module in the place of another: what is set on it is set on the other as well."""

    def __init__(self, original: ModuleType) -> None:
        super().__init__(original.__name__, original.__doc__)
        vars(self)["_skyshed_accel"] = original

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_skyshed_accel"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        original = vars(self)["_skyshed_accel"]
        if vars(self).get(name) is vars(original).get(name):
            setattr(original, name, value)
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *dir(vars(self)["_skyshed_accel"])} - {"_skyshed_accel"})


def _fill(module: _StandInModule, original: ModuleType, new: Mapping[int, tuple[Any, Any]]) -> None:
    """Give a module all that the original has, replaced where that is."""
    for name, value in vars(original).items():
        vars(module)[name] = new[id(value)][1] if id(value) in new else value


def _reduce(theirs: Any) -> Any:
    """Pickle an object of photutils, whose class is not found where pickle looks for it."""
    make, args, *rest = theirs.__reduce_ex__(2)
    kind = type(theirs)
    if getattr(make, "__name__", "") != "__newobj__":
        return (make, args, *rest)
    return (_photutils_object, (kind.__module__, kind.__qualname__, *args[1:]), *rest)


def _photutils_object(module: str, name: str, *args: Any) -> Any:
    """Make an object of photutils without calling its ``__init__``, when it is unpickled."""
    kind = inspect.unwrap(getattr(importlib.import_module(module), name))
    return kind.__new__(kind, *args)


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the hook know when a package has been imported that it replaces, or one of photutils."""

    def __init__(self, imported: Callable[[ModuleType], None]) -> None:
        self._then = imported

    def find_spec(
        self, fullname: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec that others find, with a loader that lets the hook know."""
        if fullname not in PACKAGES and not fullname.startswith("photutils."):
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self._then)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """A loader that calls a function when it is done, and then gives way to the one it wraps."""

    def __init__(self, loader: Any, then: Callable[[ModuleType], None]) -> None:
        self._loader, self._then = loader, then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Create the module as the other loader does."""
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, and call the function."""
        with contextlib.suppress(AttributeError):
            module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._then(module)
