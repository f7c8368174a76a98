"""The registry of measurements and columns, which the catalog, its table and the docs read.

A measurement is a function from inputs to the arrays of one or several columns, computed in one
pass over the sources. The names of its arguments say what it needs: inputs of the catalog
(``frame``, ``sources``, ``n_threads``, ``wcs``, ``kron_params``, ...) or other columns. If it takes
the ``frame``, it declares how far from its source it reads, so that tiles are made large enough::

    @measurement(
        Column("area", unit="pix2", description="Number of unmasked pixels."),
        Column("segment_flux", unit="data", description="Sum of the data over the segment."),
        reach=SEGMENT,
    )
    def isophotal(frame, sources, n_threads):
        ...
        return area, segment_flux

`Results` evaluates columns on demand. Where the images are on a device, measurements that take the
``frame`` or call kernels (they take ``n_threads``) get their columns there, and leave theirs there.
All others are arithmetic with one number per source: they get NumPy arrays, which costs a launch
less for each of its steps. What these need comes to the host together, as seldom as possible: each
time the host waits for the device. `Results.on_host` returns columns as NumPy arrays.
"""

import difflib
import functools
import inspect
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from skyshed.namespace import in_one_transfer, is_device_array, like

__all__ = [
    "COLUMNS",
    "LABEL",
    "MEASUREMENTS",
    "SEGMENT",
    "Column",
    "Measurement",
    "Results",
    "close_columns",
    "column",
    "measurement",
    "other_name",
    "public_columns",
    "required",
]


Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Column:
    """One named result per source.

    Attributes
    ----------
    name : str
        The guide's name; a leading underscore marks an intermediate result that is not public.
    unit : str
        The unit of the numbers: ``""`` for plain numbers, an astropy unit string such as
        ``"pix2"``, ``"deg"`` or ``"1"`` (a dimensionless Quantity), ``"data"`` for the unit of the
        data, or ``"sky"`` for a SkyCoord.
    description : str
        One line for the documentation's column table.
    alias : str
        photutils 3's name, where it differs.
    requires : tuple of str
        The images of the catalog without which the column is NaN: ``"error"``, ``"background"``,
        ``"threshold"``.
        Everything else that it needs follows from its measurement; see `required`.
    index : bool
        Whether it is the index of a pixel: integers, or float64 if a source has no such pixel.
    ucd : str
        What it is in the words of the IVOA's UCD1+ list, by which other programs know it:
        ``"phot.flux"``. Every public column has one, which is written to all files.
    """

    name: str
    unit: str = ""
    description: str = ""
    alias: str = ""
    requires: tuple[str, ...] = ()
    index: bool = False
    ucd: str = ""

    @property
    def public(self) -> bool:
        """Whether users see this column."""
        return not self.name.startswith("_")


#: The column that is not measured, but known.
LABEL = Column("label", description="Label of the source in the segmentation image.", ucd="meta.id")


@dataclass(frozen=True)
class Measurement:
    """A function that computes columns, and the names of what it needs.

    Attributes
    ----------
    name : str
        The name of the function.
    function : callable
        Measures all sources.
    needs : tuple of str
        The names of its arguments: inputs and columns.
    columns : tuple of Column
        What it returns.
    geometry : bool
        Whether its columns are positions or shapes of the sources, which are taken from the
        ``detection_cat`` if there is one.
    reach : callable or None
        Returns the box in the whole image that is read for each source, int64, shape (n, 4), as
        ``y0, y1, x0, x1``, half open. The names of its arguments say what it needs, as for a
        measurement; arrays are NumPy's. If columns of the measurement itself are among them, the
        reach is known only after measuring. `None` if nothing outside the source's bounding box is
        read.
    on_host : tuple of str
        Columns that it takes as NumPy arrays, wherever the images are.
    """

    name: str
    function: Callable[..., Any]
    needs: tuple[str, ...]
    columns: tuple[Column, ...]
    geometry: bool = False
    reach: Callable[..., Any] | None = None
    on_host: tuple[str, ...] = ()

    @property
    def with_images(self) -> bool:
        """Whether it works where the images are; otherwise on the host."""
        return "frame" in self.needs or "n_threads" in self.needs


#: Every measurement, by the name of its function.
MEASUREMENTS: dict[str, Measurement] = {}
#: Every column, with its measurement, by the guide's name.
COLUMNS: dict[str, tuple[Column, Measurement]] = {}
#: photutils 3's name of a column -> the guide's.
ALIASES: dict[str, str] = {}


#: The reach of measurements that read no pixel outside the bounding box of the source's segment.
SEGMENT = "segment"


def measurement(
    *columns: Column,
    geometry: bool = False,
    reach: Callable[..., Any] | str | None = None,
    on_host: tuple[str, ...] = (),
) -> Callable[[Function], Function]:
    """Register a function as the measurement of ``columns``.

    The function returns one array of length n for a single column, and a tuple of them for several.

    Parameters
    ----------
    *columns : Column
        What the function returns.
    geometry, reach, on_host
        As for `Measurement`, except that ``reach`` is `SEGMENT` where nothing outside the source's
        bounding box is read. Only functions that do not take the ``frame`` may leave it out. See
        `skyshed.catalog.reach` for functions that help to write one.

    Raises
    ------
    ValueError
        If a column or a measurement of that name is already registered, or ``reach`` is missing.
    """

    def register(function: Function) -> Function:
        name, needs = function.__name__, tuple(inspect.signature(function).parameters)
        for new in columns:
            if new.name in COLUMNS:
                raise ValueError(f"column {new.name!r} is already measured elsewhere")
        if name in MEASUREMENTS:
            raise ValueError(
                f"a measurement called {name!r} is already registered, in "
                f"{MEASUREMENTS[name].function.__module__}: give the function another name"
            )
        if reach is None and "frame" in needs:
            raise ValueError(
                f"measurement {name!r} is given the frame, and must say how far from its source it "
                "reads: reach=SEGMENT if no farther than the bounding box, or a function; see "
                "skyshed.catalog.reach"
            )
        beyond = reach if callable(reach) else None
        entry = Measurement(name, function, needs, columns, geometry, beyond, on_host)
        MEASUREMENTS[name] = entry
        for new in columns:
            COLUMNS[new.name] = (new, entry)
            if new.alias:
                ALIASES[new.alias] = new.name
        return function

    return register


def column(name: str) -> Column:
    """Return the column called ``name`` in the guide or in photutils 3.

    Raises
    ------
    KeyError
        If there is none.
    """
    return COLUMNS[ALIASES.get(name, name)][0]


def other_name(name: str) -> str | None:
    """Return photutils 3's name for the guide's name of a column and vice versa, if there are two.

    The errors of fluxes that users add, or measure in apertures of their own, have two names, too.

    Examples
    --------
    >>> import skyshed.catalog.measurements
    >>> from skyshed.catalog.registry import other_name
    >>> other_name("xcentroid"), other_name("x_centroid"), other_name("area")
    ('x_centroid', 'xcentroid', None)
    >>> other_name("circular_5_fluxerr")
    'circular_5_flux_err'
    """
    if name in ALIASES:
        return ALIASES[name]
    if name in COLUMNS:
        return COLUMNS[name][0].alias or None
    for ending, other in (("_fluxerr", "_flux_err"), ("_flux_err", "_fluxerr")):
        if name.endswith(ending):
            return name.removesuffix(ending) + other
    return None


class Results:
    """The columns of one set of sources, each measured when first asked for.

    Parameters
    ----------
    inputs : mapping
        What measurements may need besides columns, by argument name.
    detection : Results, optional
        Where columns of ``geometry`` measurements are taken from instead.
    """

    def __init__(self, inputs: Mapping[str, Any], detection: "Results | None" = None) -> None:
        self.inputs = dict(inputs)
        self.detection = detection
        self.kept: dict[str, Any] = {}
        self.copies: dict[str, Any] = {}
        self._variants: dict[tuple[tuple[str, Any], ...], Results] = {}
        # For results with other inputs: the results that they were made from, and the inputs that
        # differ. The reference is weak because those results hold these.
        self._base: Callable[[], Results | None] = _nothing
        self._changed: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Any:
        """Return an input, or the column ``name`` (the guide's name) where the images are.

        It is measured if needed.
        """
        if name in self.inputs:
            return self.inputs[name]
        self.measure(name)
        return self._beside_images(name)

    def measure(self, *names: str) -> None:
        """Measure columns that are not yet."""
        while missing := self._missing(names):
            _fetch(missing)

    def on_host(self, *names: str) -> tuple[Any, ...]:
        """Return columns as NumPy arrays; those still on the device come in one transfer."""
        while True:
            missing = self._missing(names)
            for name in names:
                owner = self._owner(name)
                if name in owner.kept and not owner._is_on_host(name):
                    missing[id(owner), name] = owner
            if not missing:
                return tuple(self._here(name) for name in names)
            _fetch(missing)

    def _owner(self, name: str) -> "Results":
        """Return the results that keep the column ``name``."""
        if name in self.kept:
            return self
        if name not in COLUMNS:
            raise KeyError(f"{name!r} is neither an input that was given nor a registered column")
        if self.detection is not None and COLUMNS[name][1].geometry:
            return self.detection._owner(name)
        base = self._base()
        if base is not None and not depends(name, self._changed):
            return base._owner(name)
        return self

    def _missing(self, names: Iterable[str]) -> "Missing":
        """Measure columns, but for what waits for others to come to the host; return these.

        All that can be measured without them is measured first, so that they come together.
        """
        missing: Missing = {}
        waiting: set[tuple[int, str]] = set()
        for name in names:
            self._try(name, missing, waiting)
        return missing

    def _try(self, name: str, missing: "Missing", waiting: set[tuple[int, str]]) -> bool:
        """Measure a column if that does not make the host wait; return whether it is measured."""
        owner = self._owner(name)
        if name in owner.kept:
            return True
        if (id(owner), name) in waiting:
            return False
        entry = COLUMNS[name][1]
        columns = [need for need in entry.needs if need not in owner.inputs]
        ready = True
        for need in columns:  # what can be measured is, even where another need waits
            ready &= owner._try(need, missing, waiting)
        if ready:
            for need in entry.on_host if entry.with_images else columns:
                holder = owner._owner(need)
                if not holder._is_on_host(need):
                    missing[id(holder), need] = holder
                    ready = False
        if not ready:
            waiting.add((id(owner), name))
            return False
        values = entry.function(**{need: owner._given(entry, need) for need in entry.needs})
        if len(entry.columns) == 1:
            values = (values,)
        owner.kept.update(zip((column.name for column in entry.columns), values, strict=True))
        return True

    def _given(self, entry: Measurement, need: str) -> Any:
        """Return an argument of a measurement."""
        if need in self.inputs:
            return self.inputs[need]
        beside = entry.with_images and need not in entry.on_host
        return self._beside_images(need) if beside else self._here(need)

    def _is_on_host(self, name: str) -> bool:
        """Whether a column that these results keep is, or has been copied."""
        return name in self.copies or not is_device_array(self.kept[name])

    def _here(self, name: str) -> Any:
        """Return a measured column that is on the host."""
        owner = self._owner(name)
        return owner.copies.get(name, owner.kept[name])

    def _beside_images(self, name: str) -> Any:
        """Return a measured column where the images are."""
        # The frame's own images may be in a file still.
        return like(
            self._owner(name).kept[name], getattr(self.inputs.get("sources"), "pixel", None)
        )

    def __contains__(self, name: str) -> bool:
        return name in self.inputs or name in COLUMNS

    def with_inputs(self, **inputs: Any) -> "Results":
        """Return results with some inputs replaced, which must be hashable.

        The same inputs give the same results object, so that nothing is measured twice. The
        detection's results get the same inputs.
        """
        key = tuple(sorted(inputs.items()))
        if key not in self._variants:
            detection = self.detection.with_inputs(**inputs) if self.detection else None
            variant = Results({**self.inputs, **inputs}, detection)
            variant._base, variant._changed = weakref.ref(self), frozenset(inputs)
            self._variants[key] = variant
        return self._variants[key]

    def take(self, index: Any, **inputs: Any) -> "Results":
        """Return the results of the sources at the positions ``index``, a NumPy array.

        ``inputs`` replace those that depend on the sources. Where the detection has inputs of its
        own under these names, their method ``take`` is called.
        """
        detection = None
        if self.detection is not None:
            theirs = self.detection.inputs
            detection = self.detection.take(
                index,
                **{
                    name: value if theirs[name] is self.inputs[name] else theirs[name].take(index)
                    for name, value in inputs.items()
                },
            )
        other = Results({**self.inputs, **inputs}, detection)
        # Copies of both, because another thread may be measuring.
        copies, kept = dict(self.copies), dict(self.kept)
        other.kept = {name: values[like(index, values)] for name, values in kept.items()}
        other.copies = {
            name: other.kept[name] if values is kept[name] else values[index]
            for name, values in copies.items()
            if name in kept
        }
        return other

    def give(
        self, other: "Results", rows: slice, changed: Collection[str], without: Collection[str]
    ) -> None:
        """Give ``other`` results what is known of their sources, as far as it is on the host.

        Parameters
        ----------
        other : Results
            Without a detection, and with nothing measured yet.
        rows : slice
            Its sources.
        changed : collection of str
            Inputs that differ: columns that depend on one are left out.
        without : collection of str
            Other columns that are left out.
        """
        for name in self.kept:
            if self._is_on_host(name) and name not in without and not depends(name, changed):
                other.kept[name] = self._here(name)[rows].copy()
        for key, variant in self._variants.items():
            variant.give(other.with_inputs(**dict(key)), rows, changed, without)

    def __getstate__(self) -> dict[str, Any]:
        # Weak references can't be copied; results with other inputs are measured again.
        return {**vars(self), "_variants": {}, "_base": _nothing, "_changed": frozenset()}


#: Columns that the host waits for, and the results that keep them.
Missing = dict[tuple[int, str], Results]


def _fetch(missing: Missing) -> None:
    """Copy columns to the host, in one transfer."""
    names = [name for _, name in missing]
    arrays = (owner.kept[name] for owner, name in zip(missing.values(), names, strict=True))
    for owner, name, copy in zip(missing.values(), names, in_one_transfer(*arrays), strict=True):
        owner.copies[name] = copy


def _nothing() -> None:
    """Stand in for a weak reference to results that no longer exist."""


def depends(name: str, inputs: Collection[str]) -> bool:
    """Whether the column ``name`` needs any of ``inputs``, directly or through other columns."""
    return _depends(name, frozenset(inputs))


@functools.cache
def _depends(name: str, inputs: frozenset[str]) -> bool:
    """Cached, because it is called for every column of a table and all that these need."""
    needs = COLUMNS[name][1].needs
    return any(need in inputs or (need in COLUMNS and _depends(need, inputs)) for need in needs)


def required(name: str) -> tuple[str, ...]:
    """Return the arguments of the catalog without which the column ``name`` is NaN or None.

    Examples
    --------
    >>> import skyshed.catalog.measurements
    >>> from skyshed.catalog.registry import required
    >>> required("sky_centroid"), required("segment_fluxerr"), required("segment_flux")
    (('wcs',), ('error',), ())
    """
    return COLUMNS[name][0].requires + (("wcs",) if depends(name, ("wcs",)) else ())


def public_columns() -> list[Column]:
    """Return the columns that users see, by name."""
    public = (column for column, _ in COLUMNS.values() if column.public)
    return sorted(public, key=lambda column: column.name)


def close_columns(name: str, besides: Iterable[str] = ()) -> list[str]:
    """Return names similar to ``name``: of columns, aliases, or names in ``besides``."""
    names = [name for column in public_columns() for name in (column.name, column.alias) if name]
    return difflib.get_close_matches(name, ["label", *names, *besides], 3)
