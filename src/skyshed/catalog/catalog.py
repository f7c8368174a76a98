"""The catalog of sources: a thin class over the registry of measurements."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

import skyshed.catalog.measurements  # noqa: F401 - fills the registry
from skyshed.catalog.cutouts import Cutouts
from skyshed.catalog.extras import pick
from skyshed.catalog.flags import Quality
from skyshed.catalog.inputs import (
    check_detection,
    check_unit,
    make_frame,
    threads_worth_starting,
)
from skyshed.catalog.photometry import Photometry
from skyshed.catalog.registry import ALIASES, COLUMNS, Column, Results
from skyshed.catalog.settings import CatalogSettings
from skyshed.catalog.stamps import Stamps
from skyshed.catalog.table import (
    PROPERTIES,
    UNLISTED,
    default_columns,
    make_arrays,
    make_meta,
    make_table,
)
from skyshed.frame import Frame
from skyshed.names import accept_aliases, both_names, canonical_attribute
from skyshed.segmentation import SegmentationImage, as_segmentation_image
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Sources

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["SourceCatalog"]


class SourceCatalog(Cutouts, Stamps, Photometry, Quality):
    """Photometry, positions and shapes of the sources of a segmentation image.

    Every column is an attribute, measured when first asked for, and may be named in `to_table`. The
    columns and their units are listed in `properties` and in each attribute's help.

    Parameters
    ----------
    data : array_like or Quantity, shape (ny, nx)
        The background-subtracted image, on which fluxes are measured. Pixels that are not finite
        are masked.
    segment_img : `SegmentationImage`
        The sources. Later edits of it do not reach the catalog.
    convolved_data : array_like or Quantity, shape (ny, nx), optional
        The image on which centroids and shapes are measured; ``data`` if `None`. Values that are
        negative or not finite count as 0 there.
    error : array_like or Quantity, shape (ny, nx), optional
        The total 1-sigma error of each pixel, the sources' Poisson noise included
        (`calc_total_error`). Without it errors are NaN.
    mask : array_like of bool, shape (ny, nx), optional
        True for pixels to ignore.
    kernel : array or `~astropy.convolution.Kernel2D`, optional
        Convolves ``data`` to make ``convolved_data``, which must not be given then.
    background : array_like or Quantity, shape (ny, nx), optional
        The background that was subtracted from ``data``, to be measured under the sources.
    wcs : WCS, optional
        Gives positions on the sky; without it the sky columns hold `None`.
    localbkg_width : int, optional
        The width in pixels of the rectangular annulus from which a local background is estimated
        and subtracted; 0 for none.
    apermask_method : {'correct', 'mask', 'none'}, optional
        What apertures see of neighbouring sources: 'correct' replaces a pixel by the one opposite
        the centroid, 'mask' leaves it out, 'none' keeps it.
    kron_params : sequence of 2 or 3 floats, optional
        The scale of the Kron radius, the least Kron radius, and the least radius in pixels of the
        circle that replaces smaller Kron ellipses.
    detection_cat : `SourceCatalog`, optional
        A catalog of the same segmentation image. Positions, shapes and apertures are taken from it,
        and so are ``wcs``, ``apermask_method`` and ``kron_params``.
    progress_bar : bool, optional
        Accepted for compatibility; nothing takes long enough to need one.
    n_threads : int, optional
        Threads to use; `None` for all available cores, or one for a few small sources. The result
        is the same for any number.
    unit : `~astropy.units.UnitBase` or str, optional
        The unit of plain arrays, CuPy's above all, which no Quantity holds.

    Raises
    ------
    ValueError
        If shapes or units differ, an argument is out of range, or there is no source.
    TypeError
        If ``segment_img`` or ``detection_cat`` has the wrong type, both ``convolved_data`` and
        ``kernel`` are given, or some images are NumPy arrays and others CuPy arrays.

    Notes
    -----
    Images are kept as float32 if they are, else as float64; sums are made in float64, in an order
    that depends on the source alone.

    CuPy arrays are measured on their device. Columns come as NumPy arrays all the same;
    `to_arrays` leaves them there.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SourceCatalog, detect_sources
    >>> data = np.zeros((7, 9))
    >>> data[2:5, 1:4] = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    >>> data[3:5, 6:8] = 3
    >>> catalog = SourceCatalog(data, detect_sources(data, 0.5, npixels=3))
    >>> catalog
    <skyshed.catalog.SourceCatalog>
    Length: 2
    labels: [1 2]
    >>> catalog.segment_flux
    array([16., 12.])
    >>> print(catalog.to_table(columns=["label", "xcentroid", "ycentroid", "area"]))
    label xcentroid ycentroid area
                              pix2
    ----- --------- --------- ----
        1       2.0       3.0  9.0
        2       6.5       3.5  4.0
    """

    @accept_aliases
    def __init__(
        self,
        data: Any,
        segment_img: SegmentationImage,
        convolved_data: Any = None,
        error: Any = None,
        mask: Any = None,
        kernel: Any = None,
        background: Any = None,
        wcs: Any = None,
        localbkg_width: int = 0,
        apermask_method: str = "correct",
        kron_params: Sequence[float] = (2.5, 1.4, 0.0),
        detection_cat: "SourceCatalog | None" = None,
        progress_bar: bool = False,
        n_threads: int | None = None,
        *,
        unit: Any = None,
    ) -> None:
        settings = CatalogSettings(wcs, kron_params, localbkg_width, apermask_method)
        images = {
            "data": data,
            "convolved_data": convolved_data,
            "error": error,
            "background": background,
        }
        if kernel is not None and convolved_data is not None:
            raise TypeError("convolved_data and kernel are both given: give one of them")
        segment_img = as_segmentation_image(segment_img, both_names("segment_img"))
        frame, found_unit = make_frame(images, mask, kernel, segment_img, n_threads)
        self._begin(
            frame, segment_img.sources, settings, segment_img.provenance, detection_cat,
            check_unit(unit, found_unit), n_threads,
        )  # fmt: skip
        #: What was asked for; nothing takes long enough to need a bar.
        self.progress_bar = progress_bar

    @classmethod
    def from_frame(
        cls,
        frame: Frame,
        sources: Sources,
        settings: CatalogSettings | None = None,
        *,
        provenance: Provenance | None = None,
        detection_cat: "SourceCatalog | None" = None,
        unit: Any = None,
        n_threads: int | None = None,
    ) -> "SourceCatalog":
        """Make the catalog of sources of a frame, which may be a window of a larger image.

        Parameters
        ----------
        frame : `~skyshed.frame.Frame`
            The images. They are taken as they are: the caller has checked them.
        sources : `~skyshed.sources.Sources`
            n sources of the frame: all of them, or some.
        settings : `CatalogSettings`, optional
            What to measure with; the defaults if `None`.
        provenance : `~skyshed.segmentation.provenance.Provenance`, optional
            What deblending noted about the labels; nothing if `None`.
        detection_cat : `SourceCatalog`, optional
            A catalog of the same sources, from which positions, shapes and apertures are taken, and
            ``wcs``, ``apermask_method`` and ``kron_params``. Its frame may be another part of the
            image.
        unit : `~astropy.units.UnitBase` or str, optional
            The unit of the images.
        n_threads : int, optional
            As for the class.

        Raises
        ------
        TypeError
            If ``detection_cat`` is no catalog, or its images are on another device.
        ValueError
            If ``detection_cat`` has other sources.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog
        >>> from skyshed.frame import Frame
        >>> from skyshed.sources import Sources
        >>> labels = np.array([[1, 1, 0, 4, 0, 7]], dtype=np.int32)
        >>> frame = Frame.from_images(np.ones((1, 6)), labels, origin=(0, 100), full_shape=(9, 200))
        >>> catalog = SourceCatalog.from_frame(frame, Sources.from_labels(labels))
        >>> catalog.xcentroid
        array([100.5, 103. , 105. ])
        """
        catalog = cls.__new__(cls)
        catalog._begin(
            frame, sources, settings or CatalogSettings(), provenance or Provenance(),
            detection_cat, check_unit(unit, None), n_threads,
        )  # fmt: skip
        catalog.progress_bar = False
        return catalog

    def _begin(
        self,
        frame: Frame,
        sources: Sources,
        settings: CatalogSettings,
        provenance: Provenance,
        detection_cat: "SourceCatalog | None",
        unit: Any,
        n_threads: int | None,
    ) -> None:
        """Start with nothing measured, and nothing that a user added."""
        detection = None
        if detection_cat is not None:
            detection = check_detection(detection_cat, frame, sources)
            theirs = detection_cat.settings
            settings = replace(theirs, localbkg_width=settings.localbkg_width)
        inputs = {
            "frame": frame,
            "sources": sources,
            "provenance": provenance,
            "n_threads": threads_worth_starting(n_threads, sources),
            **vars(settings),
        }
        self._results = Results(inputs, detection)
        self._settings = settings
        self._unit = unit
        self._extra: dict[str, Any] = {}
        self.isscalar = False
        #: The columns of `to_table` where it is given none.
        self.default_columns = default_columns()
        #: What tables note about themselves.
        self.meta = make_meta(
            localbkg_width=settings.localbkg_width,
            apermask_method=settings.apermask_method,
            kron_params=settings.kron_params,
        )

    @property
    def frame(self) -> Frame:
        """The images that are measured, a `~skyshed.frame.Frame`."""
        return self._results["frame"]

    @property
    def sources(self) -> Sources:
        """Where the pixels of the sources are in the frame, a `~skyshed.sources.Sources`."""
        return self._results["sources"]

    @property
    def settings(self) -> CatalogSettings:
        """What is measured with, besides images."""
        return self._settings

    def measure(self, *columns: str) -> None:
        """Measure columns now. They stay where the images are: nothing is copied from a device.

        Parameters
        ----------
        *columns : str
            Names of columns, the guide's or photutils 3's.

        Raises
        ------
        ValueError
            If a name is not that of a column.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage, SourceCatalog
        >>> labels = np.array([[1, 1, 0, 4, 0, 7]])
        >>> catalog = SourceCatalog(np.ones((1, 6)), SegmentationImage(labels))
        >>> catalog.measure("moments", "kron_flux")
        """
        names = [ALIASES.get(name, name) for name in columns]
        unknown = [given for given, name in zip(columns, names, strict=True) if name not in COLUMNS]
        if unknown:
            raise ValueError(f"columns must be names of measured columns, {unknown} are none")
        for name in names:
            self._results[name]

    @property
    def properties(self) -> list[str]:
        """The names and aliases of columns and cutouts, sorted; without `extra_properties`.

        As in photutils 3.1, `inertia_tensor` is not listed, though it is still measured.
        """
        columns = {name for name, (each, _) in COLUMNS.items() if each.public}
        return sorted([*columns.difference(UNLISTED), *ALIASES, *PROPERTIES])

    def to_table(self, columns: str | Sequence[str] | None = None) -> "QTable":
        """Make a table with one row per source.

        Parameters
        ----------
        columns : str or sequence of str, optional
            Names among `properties` and `extra_properties`, cutouts excepted; `default_columns` if
            `None`. The table has them under the names asked for.

        Returns
        -------
        table : `~astropy.table.QTable`
            Its ``meta`` has the date, versions and parameters, its columns their descriptions. The
            columns are found under their other names, too: ``table["x_centroid"]``.

        Raises
        ------
        ValueError
            If a name is unknown.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage, SourceCatalog
        >>> labels = np.array([[1, 1, 0, 4, 0, 7]])
        >>> catalog = SourceCatalog(np.ones((1, 6)), SegmentationImage(labels))
        >>> print(catalog.to_table(["label", "xcentroid", "segment_flux"]))
        label xcentroid segment_flux
        ----- --------- ------------
            1       0.5          2.0
            4       3.0          1.0
            7       5.0          1.0
        """
        return make_table(self, columns)

    def to_arrays(self, columns: str | Sequence[str] | None = None) -> dict[str, Any]:
        """Return columns as plain arrays, of the library and on the device of ``data``.

        Parameters
        ----------
        columns : str or sequence of str, optional
            Names among `properties`, cutouts and columns on the sky excepted; `default_columns`
            without the latter if `None`.

        Returns
        -------
        arrays : dict of str to array
            Without units: those of `to_table`.

        Raises
        ------
        ValueError
            If a name is unknown, or has no such array.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage, SourceCatalog
        >>> labels = np.array([[1, 1, 0, 4, 0, 7]])
        >>> catalog = SourceCatalog(np.ones((1, 6)), SegmentationImage(labels))
        >>> catalog.to_arrays(["label", "segment_flux"])
        {'label': array([1, 4, 7], dtype=int32), 'segment_flux': array([2., 1., 1.])}
        """
        return make_arrays(self, columns)

    def __getitem__(self, index: Any) -> "SourceCatalog":
        if self.isscalar:
            raise TypeError(
                f"A scalar {type(self).__name__!r} object cannot be indexed: it is one source"
            )
        position = np.arange(self.nlabels)[index]
        chosen = np.atleast_1d(position)
        other = copy.copy(self)
        other.isscalar = position.ndim == 0
        other._results = self._results.take(chosen, sources=self._results["sources"].take(chosen))
        other._extra = {name: pick(values, position) for name, values in self._extra.items()}
        other.default_columns = list(self.default_columns)
        other.meta = dict(self.meta)
        return other

    def get_label(self, label: int) -> "SourceCatalog":
        """Return the catalog of one source; see `get_labels`."""
        return self.get_labels(label)

    def get_labels(self, labels: Any) -> "SourceCatalog":
        """Return the catalog of some sources, in the order given.

        Parameters
        ----------
        labels : int or sequence of int
            Their labels.

        Raises
        ------
        ValueError
            If a label is not in this catalog.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage, SourceCatalog
        >>> labels = np.array([[1, 1, 0, 4, 0, 7]])
        >>> catalog = SourceCatalog(np.ones((1, 6)), SegmentationImage(labels))
        >>> catalog.get_labels([7, 1]).segment_flux
        array([1., 2.])
        """
        wanted = np.asarray(labels)
        unknown = np.setdiff1d(wanted, self.labels).tolist()
        if unknown:
            what = f"labels {unknown} are" if len(unknown) > 1 else f"label {unknown} is"
            raise ValueError(f"{what} invalid (not in this catalog), see its labels")
        sorter = np.argsort(self.labels, kind="stable")
        return self[sorter[np.searchsorted(self.labels, wanted, sorter=sorter)]]

    def __len__(self) -> int:
        if self.isscalar:
            raise TypeError(f"Scalar {type(self).__name__!r} object has no len(): it is one source")
        return self.nlabels

    def __iter__(self) -> Iterator["SourceCatalog"]:
        return (self[i] for i in range(len(self)))

    def copy(self) -> "SourceCatalog":
        """Return a deep copy."""
        return copy.deepcopy(self)

    def release_cache(self) -> None:
        """Do nothing: a catalog keeps no images but those it was given, unlike photutils'."""

    def __repr__(self) -> str:
        with np.printoptions(threshold=25, edgeitems=5):
            facts = f"Length: {self.nlabels}\nlabels: {self.labels}"
        return f"<skyshed.catalog.{type(self).__name__}>\n{facts}"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._extra]

    def __getattr__(self, name: str) -> Any:
        extra = self.__dict__.get("_extra", {})
        if name in extra:
            return extra[name]
        if not name.startswith("_"):
            if name in COLUMNS:
                return self._public(name)
            if name in ALIASES:
                return getattr(self, ALIASES[name])
            if name.endswith("_flux_err") and (guide := f"{name[:-9]}_fluxerr") in extra:
                return extra[guide]
        return canonical_attribute(self, name)


def _attribute(column: Column) -> property:
    """Make the attribute of a column."""
    unit = {"": "", "data": "In the unit of the data.", "sky": "A SkyCoord."}.get(
        column.unit, f"In units of {column.unit}." if column.unit != "1" else "Dimensionless."
    )
    doc = f"{column.description} {unit}".strip()
    if column.alias:
        doc += f" Also called `{column.alias}`."
    return property(lambda self: self._public(column.name), doc=doc)


for _column, _ in COLUMNS.values():
    if _column.public and not hasattr(SourceCatalog, _column.name):
        setattr(SourceCatalog, _column.name, _attribute(_column))
    if _column.alias:
        setattr(SourceCatalog, _column.alias, _attribute(_column))
