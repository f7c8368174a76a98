"""skyshed's classes as programs written for photutils meet them.

They measure the time that their methods take, name columns as photutils does, and ask photutils
for what they lack. They can be pickled, and unpickled where `skyshed.accel` is not installed.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import skyshed
from skyshed.accel.calls import Declined, call, go_on
from skyshed.accel.exchange import Given, original
from skyshed.accel.receipts import RECEIPT
from skyshed.catalog.table import new_name
from skyshed.segmentation import as_segmentation_image

__all__ = ["Background2D", "LocalBackground", "SourceCatalog", "SourceFinder"]


def _timed(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method whose time counts for its class."""

    @functools.wraps(method)
    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        return go_on(RECEIPT, type(self).__name__, method, (self, *args), kwargs)

    return timed


def _lacking(owner: Any, name: str) -> Any:
    """Return an attribute that photutils' object has and skyshed's lacks.

    Raises
    ------
    AttributeError
        If photutils' lacks it, too, or can't be made.
    """
    if not _has(vars(owner).get("given"), name):
        kind = type(owner).__name__
        raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name, obj=owner)

    def ours() -> Any:
        raise Declined(f"skyshed's has no attribute {name!r}")

    return call(
        RECEIPT, f"{type(owner).__name__}.{name}", ours, lambda: getattr(_theirs(owner), name),
        (), {},
    )  # fmt: skip


def _has(given: Given | None, name: str) -> bool:
    """Whether photutils' object has an attribute; what it keeps for itself, only it knows."""
    if given is None or not given.is_known or name.startswith("__"):
        return False
    private = name.startswith("_") and not name.endswith("_")  # no protocol's, such as _repr_html_
    return hasattr(given.kind, name) or (private and hasattr(given.as_theirs(), name))


def _theirs(owner: Any) -> Any:
    """Return photutils' object like one of skyshed's: for a catalog, with the same sources."""
    made = owner.given.as_theirs()
    if not isinstance(owner, skyshed.SourceCatalog):
        return made
    if owner.isscalar:
        return made.select_label(owner.label)
    if len(owner.labels) == len(made.labels):
        return made
    return made.select_labels(owner.labels)


class SourceCatalog(skyshed.SourceCatalog):
    """`skyshed.SourceCatalog` with photutils' default columns, and its names of columns."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        segments = args[1] if len(args) > 1 else kwargs.get("segmentation_image")
        segments = kwargs.get("segment_img") if segments is None else segments
        if segments is not None and as_segmentation_image(segments, "it").nlabels == 0:
            raise Declined("no sources: whether that is an error is photutils' to say")
        super().__init__(*args, **kwargs)
        self.given = Given("photutils.segmentation", "SourceCatalog", args, kwargs)
        self.default_columns = list(_default_columns())

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return _lacking(self, name)

    @property
    def _segmentation_image(self) -> Any:
        return _lacking(self, "_segmentation_image")

    def to_table(self, columns: str | Sequence[str] | None = None) -> Any:
        """Make a table of sources; see `skyshed.SourceCatalog.to_table`.

        Columns have photutils 3's names, as in photutils' tables, and are found under either.
        """
        names = self.default_columns if columns is None else columns
        names = [new_name(name) for name in ([names] if isinstance(names, str) else names)]
        missing = [name for name in names if not self._has(name)]
        if missing and all(hasattr(self.given.kind, name) for name in missing):

            def ours() -> Any:
                raise Declined(f"skyshed has no columns {missing}")

            return call(
                RECEIPT, "SourceCatalog.to_table", ours, lambda: _theirs(self).to_table(names),
                (), {},
            )  # fmt: skip
        return go_on(RECEIPT, "SourceCatalog", super().to_table, (names,), {})

    def _has(self, name: str) -> bool:
        known = (*self.properties, *self.extra_properties, "inertia_tensor")
        return name in known or name.endswith("_flux_err")

    _public = _timed(skyshed.SourceCatalog._public)
    _fluxes = _timed(skyshed.SourceCatalog._fluxes)


@functools.cache
def _default_columns() -> tuple[str, ...]:
    """Return the default columns of the photutils that is installed: those of a catalog of it."""
    pixel = np.ones((1, 1))
    segments = original("photutils.segmentation", "SegmentationImage")(pixel.astype(int))
    catalog = original("photutils.segmentation", "SourceCatalog")(pixel, segments)
    return tuple(catalog.default_columns)


class SourceFinder(skyshed.SourceFinder):
    """`skyshed.SourceFinder`; what one call refuses, photutils' finder of these settings may do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.given = Given("photutils.segmentation", "SourceFinder", args, kwargs)

    def __repr__(self) -> str:
        listed = {name: value for name, value in vars(self).items() if name != "given"}
        return f"SourceFinder({', '.join(f'{name}={value!r}' for name, value in listed.items())})"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Find the sources of an image; see `skyshed.SourceFinder`."""
        return _called(self, super().__call__, args, kwargs)


class LocalBackground(skyshed.LocalBackground):
    """`skyshed.LocalBackground`; what one call refuses, photutils' of these settings may do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.given = Given("photutils.background", "LocalBackground", args, kwargs)

    def __repr__(self) -> str:
        listed = {name: value for name, value in vars(self).items() if name != "given"}
        shown = ", ".join(f"{name}={value!r}" for name, value in listed.items())
        return f"LocalBackground({shown})"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Estimate the background around positions; see `skyshed.LocalBackground`."""
        return _called(self, super().__call__, args, kwargs)


def _called(owner: Any, ours: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call an object that can be called; photutils' where it refuses and the other is known."""
    name = f"{type(owner).__name__}()"
    if not owner.given.is_known:  # it was unpickled
        return go_on(RECEIPT, name, ours, args, kwargs)
    return call(RECEIPT, name, ours, lambda *a, **k: owner.given.as_theirs()(*a, **k), args, kwargs)


class Background2D(skyshed.Background2D):
    """`skyshed.Background2D`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.given = Given("photutils.background", "Background2D", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return _lacking(self, name)

    @property
    def background(self) -> Any:
        """The background level of each pixel."""
        return go_on(RECEIPT, "Background2D", lambda: super(Background2D, self).background, (), {})

    @property
    def background_rms(self) -> Any:
        """The noise of each pixel."""
        return go_on(
            RECEIPT, "Background2D", lambda: super(Background2D, self).background_rms, (), {}
        )
