"""Objects of photutils as skyshed's, and the other way, where a call is left to the other."""

import importlib
import inspect
from typing import Any

import skyshed

__all__ = ["Given", "as_ours", "as_theirs", "original"]

ESTIMATORS = frozenset(
    {
        "BiweightLocationBackground", "BiweightScaleBackgroundRMS", "MADStdBackgroundRMS",
        "MMMBackground", "MeanBackground", "MedianBackground", "ModeEstimatorBackground",
        "SExtractorBackground", "StdBackgroundRMS",
    }
)  # fmt: skip
#: Names of the arguments of an estimator, which are its attributes.
PARAMETERS = ("sigma_clip", "c", "M")


def original(package: str, name: str) -> Any:
    """Return a name of photutils itself, whoever stands in its place.

    Examples
    --------
    >>> from skyshed.accel.exchange import original
    >>> original("photutils.segmentation", "SourceCatalog").__module__
    'photutils.segmentation.catalog'
    """
    found = getattr(importlib.import_module(package), name)
    return inspect.unwrap(found) if isinstance(found, type) else found


def as_ours(value: Any) -> Any:
    """Return photutils' estimator of the background as skyshed's, which is not called with pixels.

    Anything else is returned as it is, segmentation images among them: skyshed takes photutils'.

    Examples
    --------
    >>> from photutils.background import MedianBackground
    >>> from skyshed.accel.exchange import as_ours
    >>> type(as_ours(MedianBackground(sigma_clip=None))).__module__
    'skyshed.background.estimators'
    """
    kind = type(value)
    if kind.__module__ != "photutils.background.core" or kind.__name__ not in ESTIMATORS:
        return value
    return getattr(skyshed, kind.__name__)(**_parameters(value, kind))


def as_theirs(value: Any) -> Any:
    """Return an object of skyshed as photutils'; anything else as it is.

    Examples
    --------
    >>> import numpy as np
    >>> import skyshed
    >>> from skyshed.accel.exchange import as_theirs
    >>> type(as_theirs(skyshed.SegmentationImage(np.array([[0, 1]])))).__module__
    'photutils.segmentation.core'
    """
    kind = type(value)
    if not kind.__module__.startswith("skyshed."):
        return value
    if isinstance(value, skyshed.SegmentationImage):
        return value.to_photutils()
    if kind.__name__ in ESTIMATORS:
        return original("photutils.background", kind.__name__)(**_parameters(value, kind))
    given = getattr(value, "given", None)
    return given.as_theirs() if isinstance(given, Given) and given.is_known else value


def _parameters(value: Any, kind: type) -> dict[str, Any]:
    names = PARAMETERS if kind.__name__ != "ModeEstimatorBackground" else (
        "median_factor", "mean_factor", "sigma_clip",
    )  # fmt: skip
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


class Given:
    """What an object was made from, so that photutils can make one like it when it must.

    Copies share it, and pickles leave it out: the images would be in them twice.

    Parameters
    ----------
    package, name : str
        The class of photutils.
    args, kwargs : tuple, dict
        The arguments.
    """

    def __init__(
        self, package: str = "", name: str = "", args: Any = (), kwargs: Any = None
    ) -> None:
        self._made_from = package, name, args, kwargs or {}
        self._theirs: Any = None

    @property
    def is_known(self) -> bool:
        """Whether photutils could make the object."""
        return bool(self._made_from[0])

    @property
    def kind(self) -> Any:
        """The class of photutils; `None` where the arguments are not known."""
        package, name, *_ = self._made_from
        return original(package, name) if package else None

    def as_theirs(self) -> Any:
        """Make photutils' object, once."""
        if self._theirs is None:
            *_, args, kwargs = self._made_from
            self._theirs = self.kind(
                *map(as_theirs, args), **{name: as_theirs(v) for name, v in kwargs.items()}
            )
        return self._theirs

    def __copy__(self) -> "Given":
        return self

    def __deepcopy__(self, memo: Any) -> "Given":
        return self

    def __reduce__(self) -> Any:
        return Given, ()
