"""Detect, deblend and measure sources in astronomical images, on the CPU or the GPU.

The names are those of `photutils.segmentation` and `photutils.background`: change the import line.
Modules are imported when one of their names is first used; `__init__.pyi` lists them.
"""

import sys

import lazy_loader

__version__ = "0.1.0"

_load, _, _names = lazy_loader.attach_stub(__name__, __file__)
#: Attributes that ``from skyshed import *`` leaves out.
_MODULES = frozenset(
    {
        "accel", "aperture", "background", "catalog", "convolution", "datasets", "deblending",
        "detection", "exceptions", "finder", "flags", "noise", "plotting", "quality",
        "segmentation", "sep",
    }
)  # fmt: skip

__all__ = sorted({"__version__", *_names} - _MODULES)


def __getattr__(name: str) -> object:
    if name in _names:
        return _load(name)
    raise AttributeError(
        f"module 'skyshed' has no attribute {name!r}", name=name, obj=sys.modules[__name__]
    )


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES})
