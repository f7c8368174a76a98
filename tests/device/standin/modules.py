"""Puts the stand-in in the place of `cupy` and `cupyx`, and takes it out again."""

import contextlib
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np

from tests.device.standin import compiler, device, indexing, kernels, methods, ndimage, signatures
from tests.device.standin.arrays import ndarray
from tests.device.standin.calls import Unlisted, ufunc
from tests.device.standin.functions import FUNCTIONS

ROOTS = ("cupy", "cupyx")
#: Packages whose modules may hold on to one of the roots: they are imported anew.
USERS = ("skyshed", "array_api_compat")


class Module(ModuleType):
    """A module that answers for names it lacks: what CuPy hasn't, and what the stand-in hasn't."""

    def __init__(self, name: str, **members: Any) -> None:
        super().__init__(name, f"Stand-in for {name}.")
        self.__path__: list[str] = []
        self.__spec__ = ModuleSpec(name, None, is_package=True)
        self.__dict__.update(members)
        for member in signatures.members(name):
            if member not in self.__dict__:
                self.__dict__[member] = self._known(f"{name}.{member}", member)

    @staticmethod
    def _known(full: str, member: str) -> Any:
        """Return a constant or a dtype, which are NumPy's, or what refuses to be used."""
        kind = signatures.stored()["others"].get(full)
        value = getattr(np, member, None) if full.startswith("cupy.") else None
        if kind == "float" and isinstance(value, float):
            return value
        if kind in ("type", "_DTypeMeta") and isinstance(value, type):
            return value if issubclass(value, np.generic | Exception) else Unlisted(full)
        return Unlisted(full)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        version = signatures.version("cupy")
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {name!r} (version {version})"
        )


def _scatter(name: str, function: np.ufunc) -> Any:
    def call(*args: Any, **kwargs: Any) -> None:
        given = signatures.arguments(f"cupyx.{name}", args, kwargs)
        indexing.scatter(given["a"], given["slices"], given["value"], function, kernels.order())

    call.__name__ = name
    return call


def _cuda() -> dict[str, Module]:
    runtime = Module(
        "cupy.cuda.runtime", is_hip=False, getDeviceCount=lambda: device.N_DEVICES,
        getDevice=device.current, setDevice=device.choose,
        memGetInfo=device.memory_info, getDeviceProperties=lambda number: dict(device.PROPERTIES),
        deviceSynchronize=lambda: device.Device().synchronize(),
    )  # fmt: skip
    driver = Module("cupy.cuda.driver", CUDADriverError=compiler.CUDADriverError)
    devices = Module("cupy.cuda.device", Device=device.Device)
    cuda = Module(
        "cupy.cuda", Device=device.Device, Stream=device.Stream, Event=device.Event,
        MemoryPool=device.MemoryPool, get_current_stream=device.get_current_stream,
        get_elapsed_time=device.get_elapsed_time,
        alloc_pinned_memory=device.alloc_pinned_memory, is_available=lambda: True,
        runtime=runtime, device=devices, driver=driver, nvrtc=compiler.NVRTC(),
        Module=kernels.Module, Function=kernels.Function,
    )  # fmt: skip
    return {module.__name__: module for module in (cuda, runtime, devices, driver)}


def _build() -> dict[str, Module]:
    """Return the stand-in's modules by their names."""
    made = _cuda()
    made["cupy.linalg"] = Module("cupy.linalg", LinAlgError=np.linalg.LinAlgError)
    made["cupy.fft"] = Module("cupy.fft")
    own = {name: value for name, value in FUNCTIONS.items() if signatures.offers(f"cupy.{name}")}
    made["cupy"] = Module(
        "cupy", **own, ndarray=ndarray, ufunc=ufunc, dtype=np.dtype, newaxis=None, finfo=np.finfo,
        iinfo=np.iinfo,
        cuda=made["cupy.cuda"], linalg=made["cupy.linalg"], fft=made["cupy.fft"],
        exceptions=np.exceptions, bool=np.bool_, s_=np.s_, index_exp=np.index_exp,
        is_available=lambda: True, get_default_memory_pool=lambda: device.POOL,
        __version__=signatures.version("cupy"),
    )  # fmt: skip
    image = made["cupyx.scipy.ndimage"] = Module("cupyx.scipy.ndimage", **ndimage.FUNCTIONS)
    scipy = made["cupyx.scipy"] = Module(
        "cupyx.scipy", ndimage=image, get_array_module=FUNCTIONS["get_array_module"]
    )
    made["cupyx"] = Module(
        "cupyx", scipy=scipy, scatter_add=_scatter("scatter_add", np.add),
        scatter_max=_scatter("scatter_max", np.maximum),
        scatter_min=_scatter("scatter_min", np.minimum), errstate=np.errstate,
    )  # fmt: skip
    return made


_MODULES: dict[str, Module] = {}
_displaced: dict[str, ModuleType] = {}


def _root(name: str) -> str:
    return name.partition(".")[0]


def _uses(module: ModuleType, taken: dict[str, ModuleType]) -> bool:
    """Whether a module holds a root, or something that a module already taken has made."""
    if _root(module.__name__) not in USERS:
        return False
    for value in list(vars(module).values()):
        if isinstance(value, ModuleType):
            if _root(value.__name__) in ROOTS or value.__name__.startswith("array_api_compat.cupy"):
                return True
            continue
        for maker in (getattr(value, "__module__", None), type(value).__module__):
            if isinstance(maker, str) and (_root(maker) in ROOTS or maker in taken):
                return True
    return False


def _take_out() -> dict[str, ModuleType]:
    """Remove the roots' modules and those that use them from `sys.modules`; return them."""
    taken: dict[str, ModuleType] = {}
    found = {name: module for name, module in sys.modules.items() if _root(name) in ROOTS}
    while found:
        for name, module in found.items():
            taken[name] = sys.modules.pop(name)
            package, _, child = name.rpartition(".")
            parent = None if _root(name) in ROOTS else sys.modules.get(package)
            if parent is not None and vars(parent).get(child) is module:
                delattr(parent, child)
        found = {
            name: module
            for name, module in sys.modules.items()
            if isinstance(module, ModuleType) and _uses(module, taken)
        }
    _forget_classes()
    return taken


def _forget_classes() -> None:
    """Let array_api_compat look anew at whose class is whose."""
    helpers = sys.modules.get("array_api_compat.common._helpers")
    for value in list(vars(helpers).values()) if helpers else []:
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def installed() -> bool:
    """Whether the stand-in is in place."""
    return bool(_MODULES) and sys.modules.get("cupy") is _MODULES["cupy"]


def install() -> ModuleType:
    """Make ``import cupy`` give the stand-in; return it. Does nothing where that is so already."""
    if not installed():
        if not _MODULES:
            methods.attach()
            _MODULES.update(_build())
        _displaced.clear()
        _displaced.update(_take_out())
        sys.modules.update(_MODULES)
        _forget_classes()
    return _MODULES["cupy"]


def uninstall() -> None:
    """Put back what was there before, and forget every module that holds on to the stand-in."""
    if installed():
        _take_out()
        sys.modules.update(_displaced)
        for name, module in _displaced.items():
            package, _, child = name.rpartition(".")
            if package in sys.modules:
                setattr(sys.modules[package], child, module)
        _displaced.clear()
        _forget_classes()


@contextlib.contextmanager
def out_of_place() -> Iterator[None]:
    """Take the stand-in out for the time of a ``with`` block."""
    uninstall()
    try:
        yield
    finally:
        install()


@contextlib.contextmanager
def in_place() -> Iterator[ModuleType]:
    """Install for the time of a ``with`` block, unless it is installed already."""
    before = installed()
    try:
        yield install()
    finally:
        if not before:
            uninstall()
