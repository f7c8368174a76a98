"""The catalog of sources: one class over the registry of measurements."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

import skyshed.catalog.measurements  # noqa: F401 - fills the registry
from skyshed._typing import Array, Image, Labels, Mask
from skyshed.arguments import check_choice
from skyshed.catalog import aperture_objects, extras
from skyshed.catalog.cutouts import cut_boxes, cut_masked_boxes, cut_shapes
from skyshed.catalog.flags import decode
from skyshed.catalog.registry import ALIASES, COLUMNS, Column, Results
from skyshed.catalog.settings import CatalogSettings, check_kron_params
from skyshed.catalog.table import (
    PROPERTIES,
    UNLISTED,
    default_columns,
    make_arrays,
    make_meta,
    make_table,
)
from skyshed.catalog.validation import (
    check_same_sources,
    check_unit,
    make_frame,
    threads_worth_starting,
)
from skyshed.flags import with_flag_list
from skyshed.frame import Frame
from skyshed.kernels.threads import resolve_n_threads
from skyshed.names import accept_aliases, both_names, canonical_attribute
from skyshed.namespace import device_of, stays_on_device
from skyshed.notebook import card, picture_of, quietly, sampled
from skyshed.peers import PassesAsPhotutils
from skyshed.plotting import robust_noise, show_image
from skyshed.segmentation import BoundingBox, SegmentationImage, as_segmentation_image
from skyshed.segmentation.bounding_box import boxes_of, slices_of
from skyshed.segmentation.provenance import Provenance
from skyshed.shrinking import block_mean, shown_pixels
from skyshed.sources import Sources

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["SourceCatalog", "unit_named"]

#: The columns of fluxes in circles, by the centers of these.
CIRCLES = {
    "centroid": ("_circular_flux", "_circular_fluxerr"),
    "centroid_win": ("_circular_win_flux", "_circular_win_fluxerr"),
}


@functools.cache
def unit_named(text: str) -> u.UnitBase:
    """Return the unit of a column by its name, parsed once.

    To parse one astropy takes a lock, which a process that begins by a fork meanwhile never gets.
    """
    return u.Unit(text)


class _Listed(property):
    """A property whose getter is also `func`, where some tools look for its docstring."""

    @property
    def func(self) -> Any:
        """The getter."""
        return self.fget


@stays_on_device
class SourceCatalog(PassesAsPhotutils):
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
        How apertures treat pixels of neighbouring sources: 'correct' replaces a pixel by the one
        opposite the centroid, 'mask' leaves it out, 'none' keeps it.
    kron_params : sequence of 2 or 3 floats, optional
        The scale of the Kron radius, the least Kron radius, and the least radius in pixels of the
        circle that replaces smaller Kron ellipses.
    detection_cat : `SourceCatalog`, optional
        A catalog of the same segmentation image. Positions, shapes and apertures are taken from it,
        as are ``wcs``, ``apermask_method`` and ``kron_params``.
    progress_bar : bool, optional
        Accepted for compatibility; no measurement takes long enough to need one.
    n_threads : int, optional
        Threads to use; `None` for all available cores, or one for a few small sources. The result
        is the same for any number.
    unit : `~astropy.units.UnitBase` or str, optional
        The unit of plain arrays, above all those of CuPy, which cannot be Quantities.
    threshold : array_like or Quantity, shape (ny, nx), optional
        What a pixel had to exceed to be detected, for isophotal corrections: NaN without.
    noise_correlation : square of float, optional
        The correlation of the noise of pixels by how far they are apart, 1 in its middle. Errors of
        fluxes and centroids are those of sums over such pixels; over independent ones if `None`.

    Attributes
    ----------
    isscalar : bool
        Whether this is a single source that was selected by an index. Attributes are scalars then.
    default_columns : list of str
        The columns of `to_table` where it is given none.
    meta : dict
        What tables note about themselves.

    Raises
    ------
    ValueError
        If shapes or units differ, or an argument is out of range.
    TypeError
        If ``segment_img`` or ``detection_cat`` has the wrong type, both ``convolved_data`` and
        ``kernel`` are given, or some images are NumPy arrays and others CuPy arrays.

    Notes
    -----
    float32 images are kept as they are, all others become float64; sums are made in float64, in an
    order that depends on the source alone.

    A segmentation image without labels gives a catalog of no sources, and tables without rows.

    CuPy arrays are measured on their device. Columns are NumPy arrays nevertheless; `to_arrays`
    returns them on the device.

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

    isscalar: bool
    default_columns: list[str]
    meta: dict[str, Any]

    @accept_aliases
    def __init__(
        self,
        data: Image,
        segment_img: SegmentationImage,
        convolved_data: Image | None = None,
        error: Image | None = None,
        mask: Mask = None,
        kernel: Any = None,
        background: Image | None = None,
        wcs: Any = None,
        localbkg_width: int = 0,
        apermask_method: str = "correct",
        kron_params: Sequence[float] = (2.5, 1.4, 0.0),
        detection_cat: SourceCatalog | None = None,
        progress_bar: bool = False,
        n_threads: int | None = None,
        *,
        unit: Any = None,
        threshold: Image | None = None,
        noise_correlation: Any = None,
    ) -> None:
        settings = CatalogSettings(
            wcs, kron_params, localbkg_width, apermask_method, noise_correlation
        )
        images = {
            "data": data,
            "convolved_data": convolved_data,
            "error": error,
            "background": background,
            "threshold": threshold,
        }
        if kernel is not None and convolved_data is not None:
            raise TypeError("convolved_data and kernel are both given: give one of them")
        segment_img = as_segmentation_image(segment_img, both_names("segment_img"))
        frame, found_unit = make_frame(images, mask, kernel, segment_img, n_threads)
        self._begin(
            frame, segment_img.sources, settings, segment_img.provenance, detection_cat,
            check_unit(unit, found_unit), n_threads,
        )  # fmt: skip
        #: What the caller asked for; no measurement takes long enough to need a bar.
        self.progress_bar = progress_bar

    @classmethod
    def from_frame(
        cls,
        frame: Frame,
        sources: Sources,
        settings: CatalogSettings | None = None,
        *,
        provenance: Provenance | None = None,
        detection_cat: SourceCatalog | None = None,
        unit: Any = None,
        n_threads: int | None = None,
    ) -> SourceCatalog:
        """Make the catalog of sources of a frame, which may be a window of a larger image.

        Parameters
        ----------
        frame : `~skyshed.frame.Frame`
            The images. They are taken as they are: the caller has checked them.
        sources : `~skyshed.sources.Sources`
            n sources of the frame: all of them, or some.
        settings : `CatalogSettings`, optional
            The settings; the defaults if `None`.
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
        detection_cat: SourceCatalog | None,
        unit: Any,
        n_threads: int | None,
    ) -> None:
        """Begin with nothing measured and no properties of the user."""
        detection = None
        if detection_cat is not None:
            if not isinstance(detection_cat, SourceCatalog):
                raise TypeError(
                    "detection_cat/detection_catalog must be a skyshed.SourceCatalog, got "
                    f"{type(detection_cat).__name__} of {type(detection_cat).__module__}: make it "
                    "with skyshed.SourceCatalog"
                )
            detection = detection_cat.results
            check_same_sources(detection, frame, sources)
            localbkg_width = settings.localbkg_width
            settings = replace(
                detection_cat.settings, localbkg_width=localbkg_width,
                noise_correlation=settings.noise_correlation,
                smoothed_noise=settings.smoothed_noise,
            )  # fmt: skip
        inputs = {
            "frame": frame,
            "sources": sources,
            "provenance": provenance,
            "n_threads": threads_worth_starting(n_threads, sources),
            **vars(settings),
        }
        self._results = Results(inputs, detection)
        self._device = device_of(sources.pixel)
        self._settings = settings
        self._unit = unit
        self._extra: dict[str, Any] = {}
        self.isscalar = False
        self.default_columns = default_columns()
        self.meta = make_meta(
            localbkg_width=settings.localbkg_width,
            apermask_method=settings.apermask_method,
            kron_params=settings.kron_params,
        )

    @property
    def _segmentation_image(self) -> Any:
        # What photutils' SourceCatalog asks its detection_catalog for first.
        raise TypeError(
            "a skyshed.SourceCatalog can't be the detection_catalog of photutils' SourceCatalog: "
            "make both with skyshed.SourceCatalog"
        )

    @property
    def results(self) -> Results:
        """The measured columns on their device, a `~skyshed.catalog.registry.Results`."""
        return self._results

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
        """The settings of the measurements."""
        return self._settings

    @property
    def labels(self) -> Array:
        """The labels, always as an array."""
        return self.sources.host.labels

    @property
    def label(self) -> Any:
        """The label of each source in the segmentation image."""
        return self._collapsed(self.labels)

    @property
    def nlabels(self) -> int:
        """The number of sources."""
        return len(self.sources)

    @property
    def n_threads(self) -> int:
        """The number of threads that measurements use."""
        return resolve_n_threads(self._results["n_threads"])

    @property
    def wcs(self) -> Any:
        """The WCS, or `None`."""
        return self.settings.wcs

    @property
    def localbkg_width(self) -> int:
        """The width of the annulus of the local background, 0 for none."""
        return self.settings.localbkg_width

    @property
    def apermask_method(self) -> str:
        """How apertures treat pixels of neighbouring sources."""
        return self.settings.apermask_method

    @property
    def kron_params(self) -> Sequence[float]:
        """The Kron parameters."""
        return self.settings.kron_params

    def _public(self, name: str, results: Results | None = None) -> Any:
        """Return a column as users see it: with its unit, and a scalar for a scalar catalog."""
        (values,) = (results or self._results).on_host(name)
        unit = COLUMNS[name][0].unit
        shown = self._unit if unit == "data" else None if unit in ("", "sky") else unit_named(unit)
        if shown is not None and values.dtype != object:
            values = values << shown
        return self._collapsed(values)

    def _collapsed(self, values: Any) -> Any:
        """Return the single value of a scalar catalog, all values of any other."""
        return values[0] if self.isscalar and len(values) == 1 else values

    def measure(self, *columns: str) -> None:
        """Measure columns now; nothing is copied from a device.

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
        unknown = [
            column for column, name in zip(columns, names, strict=True) if name not in COLUMNS
        ]
        if unknown:
            raise ValueError(f"columns must be names of measured columns, {unknown} are none")
        self._results.measure(*names)

    @property
    def properties(self) -> list[str]:
        """The names and aliases of columns and cutouts, sorted; without `extra_properties`.

        As in photutils 3.1, `inertia_tensor` is not listed, though it is still measured.
        """
        columns = {name for name, (column, _) in COLUMNS.items() if column.public}
        return sorted([*columns.difference(UNLISTED), *ALIASES, *PROPERTIES])

    def to_table(self, columns: str | Sequence[str] | None = None) -> QTable:
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

    def get_label(self, label: int) -> SourceCatalog:
        """Return the catalog of one source; see `get_labels`."""
        return self.get_labels(label)

    def get_labels(self, labels: Labels) -> SourceCatalog:
        """Return the catalog of some sources, in the given order.

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
        chosen = np.asarray(labels)
        unknown = np.setdiff1d(chosen, self.labels).tolist()
        if unknown:
            subject = f"labels {unknown} are" if len(unknown) > 1 else f"label {unknown} is"
            raise ValueError(f"{subject} invalid (not in this catalog), see its labels")
        sorter = np.argsort(self.labels, kind="stable")
        return self[sorter[np.searchsorted(self.labels, chosen, sorter=sorter)]]

    @property
    def extra_properties(self) -> list[str]:
        """The names of the properties that were added, in order."""
        return list(self._extra)

    def add_extra_property(self, name: str, value: Any, overwrite: bool = False) -> None:
        """Add a property; it becomes an attribute and may be named in `to_table`.

        Parameters
        ----------
        name : str
            Its name.
        value : array_like, Quantity, SkyCoord, list or scalar
            One element per source; a scalar for a catalog of a single source.
        overwrite : bool, optional
            Whether to replace a property of that name that was added before.

        Raises
        ------
        ValueError
            If the name is taken, or the number of elements is not that of the sources.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage, SourceCatalog
        >>> labels = np.array([[1, 1, 0, 2]])
        >>> catalog = SourceCatalog(np.ones((1, 4)), SegmentationImage(labels))
        >>> catalog.add_extra_property("mean_flux", catalog.segment_flux / catalog.area.value)
        >>> catalog[1].mean_flux
        np.float64(1.0)
        """
        extras.add(self, self._extra, name, value, overwrite)

    def remove_extra_property(self, name: str) -> None:
        """Remove a property that was added; see `remove_extra_properties`."""
        self.remove_extra_properties(name)

    def remove_extra_properties(self, names: str | Iterable[str]) -> None:
        """Remove properties that were added.

        Parameters
        ----------
        names : str or sequence of str
            Their names.

        Raises
        ------
        ValueError
            If a name is not among `extra_properties`; nothing is removed then.
        """
        extras.remove(self._extra, names)

    def rename_extra_property(self, name: str, new_name: str) -> None:
        """Rename a property that was added; its position in `extra_properties` stays.

        Parameters
        ----------
        name, new_name : str
            The old name and the new one.

        Raises
        ------
        ValueError
            If ``name`` is not among `extra_properties`, or ``new_name`` is taken.
        """
        extras.rename(self, self._extra, name, new_name)

    def _fluxes(
        self, results: Results, columns: tuple[str, str], name: str | None, overwrite: bool
    ) -> tuple[Any, Any]:
        """Return a flux and its error; keep them as ``name_flux`` and ``name_fluxerr`` if named."""
        results.on_host(*columns)
        flux, error = (self._public(column, results) for column in columns)
        if name is not None:
            self.add_extra_property(f"{name}_flux", flux, overwrite)
            self.add_extra_property(f"{name}_fluxerr", error, overwrite)
        return flux, error

    def kron_photometry(
        self, kron_params: Any, name: str | None = None, overwrite: bool = False
    ) -> tuple[Any, Any]:
        """Measure fluxes in Kron apertures with other parameters.

        Parameters
        ----------
        kron_params : sequence of 2 or 3 floats
            As for the catalog.
        name : str, optional
            If given, the results are added as the properties ``name_flux`` and ``name_fluxerr``.
        overwrite : bool, optional
            Whether to replace such properties.

        Returns
        -------
        flux, fluxerr : float, array or Quantity
            In the unit of the data; NaN where there is no aperture or, for the error, no ``error``.

        Raises
        ------
        ValueError
            If the parameters are out of range, or the name is taken.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> y, x = np.indices((21, 21)) - 10
        >>> data = 50 * np.exp(-(x**2 + y**2) / 8)
        >>> catalog = SourceCatalog(data, detect_sources(data, 1, npixels=5))
        >>> flux, fluxerr = catalog.kron_photometry((2.5, 1.4), name="wide")
        >>> catalog.wide_flux.round(1)
        array([1251.7])
        """
        results = self._results.with_inputs(kron_params=check_kron_params(kron_params))
        return self._fluxes(results, ("kron_flux", "kron_fluxerr"), name, overwrite)

    def circular_photometry(
        self,
        radius: float,
        name: str | None = None,
        overwrite: bool = False,
        *,
        center: str = "centroid",
    ) -> tuple[Any, Any]:
        """Measure fluxes in circles around the centroids.

        Parameters
        ----------
        radius : float
            The radius in pixels.
        name : str, optional
            If given, the results are added as the properties ``name_flux`` and ``name_fluxerr``.
        overwrite : bool, optional
            Whether to replace such properties.
        center : {'centroid', 'centroid_win'}, optional
            The centers of the circles. Those of stars are better by `centroid_win`.

        Returns
        -------
        flux, fluxerr : float, array or Quantity
            In the unit of the data; NaN where there is no centroid or, for the error, no ``error``.

        Raises
        ------
        ValueError
            If the radius is not positive, or the name is taken.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> y, x = np.indices((21, 21)) - 10
        >>> data = 50 * np.exp(-(x**2 + y**2) / 8)
        >>> catalog = SourceCatalog(data, detect_sources(data, 1, npixels=5))
        >>> flux, fluxerr = catalog.circular_photometry(3.0)
        >>> flux.round(1), fluxerr
        (array([836.6]), array([nan]))
        """
        if not radius > 0:
            raise ValueError(f"radius must be > 0 (in pixels), got {radius!r}")
        check_choice(center, "center", tuple(CIRCLES))
        results = self._results.with_inputs(radius=float(radius))
        return self._fluxes(results, CIRCLES[center], name, overwrite)

    def fluxfrac_radius(
        self, fraction: float, name: str | None = None, overwrite: bool = False
    ) -> Any:
        """Find the radius of the circle that contains a fraction of the Kron flux.

        Parameters
        ----------
        fraction : float
            Above 0, at most 1; 0.5 gives the half-light radius.
        name : str, optional
            If given, the result is added as the property of that name.
        overwrite : bool, optional
            Whether to replace such a property.

        Returns
        -------
        radius : Quantity
            In pixels; NaN where no circle contains that flux.

        Raises
        ------
        ValueError
            If the fraction is out of range, or the name is taken.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> y, x = np.indices((21, 21)) - 10
        >>> data = 50 * np.exp(-(x**2 + y**2) / 8)
        >>> catalog = SourceCatalog(data, detect_sources(data, 1, npixels=5))
        >>> catalog.fluxfrac_radius(0.5).round(2)
        <Quantity [2.38] pix>
        """
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction must be > 0 and <= 1, got {fraction!r}")
        radius = self._radius_within(fraction, self._results)
        if name is not None:
            self.add_extra_property(name, radius, overwrite)
        return radius

    def detection_radius(self, fraction: float) -> Any:
        """Return `fluxfrac_radius` on the images of the ``detection_cat``; its own without one.

        Parameters
        ----------
        fraction : float
            The fraction of ``kron_flux`` there, above 0 and at most 1.

        Returns
        -------
        radius : array of float, shape (n,)
            In pixels.
        """
        return self._radius_within(fraction, self._results.detection or self._results)

    def _radius_within(self, fraction: float, results: Results) -> Any:
        """Return the radii of the circles that hold a fraction of the Kron fluxes of results."""
        if fraction == 0.5 and results.detection is None:
            # Its circle is searched for windowed centroids, too: once for both.
            return self._public("_half_light_radius", results)
        return self._public("_fluxfrac_radius", results.with_inputs(fraction=float(fraction)))

    @property
    def kron_aperture(self) -> Any:
        """The photutils aperture of each source's Kron flux; `None` where there is none."""
        return self.make_kron_apertures()

    @property
    def local_background_aperture(self) -> Any:
        """The photutils annulus of each source's local background; `None` without a width."""
        return self._collapsed(aperture_objects.local_background_annuli(self._results))

    def make_kron_apertures(self, kron_params: Sequence[float] | None = None) -> Any:
        """Make the Kron aperture of each source as a photutils aperture.

        Parameters
        ----------
        kron_params : sequence of 2 or 3 floats, optional
            Other Kron parameters than the catalog's.

        Returns
        -------
        apertures : list of `~photutils.aperture.PixelAperture` or None
            `None` where the centroid, the shape or the Kron radius is not finite; a circle where
            the axes are equal. A single aperture for a scalar catalog.

        Raises
        ------
        ImportError
            If photutils is not installed.
        ValueError
            If ``kron_params`` are out of range.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> data = np.zeros((11, 15))
        >>> data[4:7, 4:11] = 1
        >>> catalog = SourceCatalog(data, detect_sources(data, 0.5, npixels=3))
        >>> aperture, = catalog.make_kron_apertures()
        >>> aperture.positions, round(aperture.a, 3), round(aperture.b, 3)
        (array([7., 5.]), 7.0, 2.858)
        """
        ellipses = aperture_objects.kron_rows(self._results, kron_params)
        return self._collapsed(aperture_objects.make_apertures(ellipses))

    def make_circular_apertures(self, radius: npt.ArrayLike) -> Any:
        """Make a circle around each centroid as a photutils aperture.

        Parameters
        ----------
        radius : float or array of float, shape (n,)
            The radius in pixels.

        Returns
        -------
        apertures : list of `~photutils.aperture.CircularAperture` or None
            `None` where the centroid is not finite. A single aperture for a scalar catalog.

        Raises
        ------
        ImportError
            If photutils is not installed.
        ValueError
            If a radius is not positive.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> data = np.zeros((7, 9))
        >>> data[2:5, 1:4] = 1
        >>> catalog = SourceCatalog(data, detect_sources(data, 0.5, npixels=3))
        >>> catalog.make_circular_apertures(2.5)
        [<CircularAperture([2., 3.], r=2.5)>]
        """
        circles = aperture_objects.circle_rows(self._results, radius)
        return self._collapsed(aperture_objects.make_apertures(circles))

    @quietly
    def _repr_html_(self) -> str:
        frame = self.frame
        ny, nx = frame.shape
        facts = [
            ("sources", f"{self.nlabels:,}"), ("image", f"{nx} x {ny} pixels"),
            ("columns of the table", f"{len(self.default_columns)}; to_table() measures them"),
        ]  # fmt: skip
        pixels, which = sampled(self._data_window, frame.shape, True)
        return card(type(self).__name__, facts, picture_of(pixels), which)

    def _data_window(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of the image that is measured."""
        return self.frame.data[y0:y1, x0:x1]

    def plot(self, *, ax: Any = None, apertures: bool = True, **kwargs: Any) -> Any:
        """Show the image that is measured, with the Kron apertures of the sources.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; `None` makes new axes, of the sky where the catalog has a WCS.
        apertures : bool, optional
            Whether to draw the apertures, which are measured for it.
        **kwargs
            Keywords of `~matplotlib.axes.Axes.imshow`.

        Returns
        -------
        ax : `~matplotlib.axes.Axes`

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> data = np.zeros((11, 15))
        >>> data[4:7, 6:9] = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
        >>> catalog = SourceCatalog(data, detect_sources(data, 0.5, npixels=3))
        >>> ax = catalog.plot(ax=Figure().subplots())
        >>> len(ax.images), len(ax.patches)
        (1, 1)
        """
        frame = self.frame
        pixels, extent = shown_pixels(self._data_window, frame.shape, None, block_mean)
        ax = show_image(pixels, extent, ax=ax, wcs=self.wcs, noise=robust_noise(pixels), **kwargs)
        if apertures:
            self.plot_kron_apertures(ax=ax, color="tab:red", linewidth=0.8)
        return ax

    def plot_kron_apertures(
        self,
        kron_params: Sequence[float] | None = None,
        ax: Any = None,
        origin: tuple[float, float] = (0, 0),
        **kwargs: Any,
    ) -> Any:
        """Draw the Kron aperture of each source.

        Parameters
        ----------
        kron_params : sequence of 2 or 3 floats, optional
            Other Kron parameters than the catalog's.
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; the current axes if `None`.
        origin : tuple of float, optional
            The position ``(x, y)`` of the first pixel of the displayed image.
        **kwargs
            For `~matplotlib.patches.Ellipse`, e.g. ``color``.

        Returns
        -------
        patches : list of `~matplotlib.patches.Ellipse`
            One for each source that has an aperture; the patch itself for a scalar catalog.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``kron_params`` are out of range.

        Examples
        --------
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from skyshed import SourceCatalog, detect_sources
        >>> data = np.zeros((11, 15))
        >>> data[4:7, 4:11] = 1
        >>> catalog = SourceCatalog(data, detect_sources(data, 0.5, npixels=3))
        >>> patch, = catalog.plot_kron_apertures((2.5, 1.4), ax=Figure().subplots(), color="red")
        >>> patch.center
        (7.0, 5.0)
        """
        ellipses = aperture_objects.kron_rows(self._results, kron_params)
        return self._collapsed(aperture_objects.draw(ellipses, ax, origin, kwargs))

    def plot_circular_apertures(
        self,
        radius: npt.ArrayLike,
        ax: Any = None,
        origin: tuple[float, float] = (0, 0),
        **kwargs: Any,
    ) -> Any:
        """Draw a circle around the centroid of each source.

        Parameters
        ----------
        radius : float or array of float, shape (n,)
            The radius in pixels.
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; the current axes if `None`.
        origin : tuple of float, optional
            The position ``(x, y)`` of the first pixel of the displayed image.
        **kwargs
            For `~matplotlib.patches.Ellipse`, e.g. ``color``.

        Returns
        -------
        patches : list of `~matplotlib.patches.Ellipse`
            One for each source that has a centroid; the patch itself for a scalar catalog.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a radius is not positive.

        Examples
        --------
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from skyshed import SourceCatalog, detect_sources
        >>> data = np.zeros((11, 15))
        >>> data[4:7, 4:11] = 1
        >>> catalog = SourceCatalog(data, detect_sources(data, 0.5, npixels=3))
        >>> patch, = catalog.plot_circular_apertures(4.0, ax=Figure().subplots(), color="red")
        >>> patch.center
        (7.0, 5.0)
        """
        circles = aperture_objects.circle_rows(self._results, radius)
        return self._collapsed(aperture_objects.draw(circles, ax, origin, kwargs))

    @_Listed
    @with_flag_list
    def flags(self) -> Any:
        """Quality flags, a sum of bits; 0 for none. `decode_flags` has their names.

        Of each source, int64:

        <flags>

        With a ``detection_cat``, the flags of the shape and the Kron apertures themselves are taken
        from it, while the pixels are this catalog's. Windowed and quadratic centroids are not
        measured for flags: see `centroid_win_fallback` and `centroid_quad_fallback`.
        """
        return self._public("flags")

    def decode_flags(self, *, return_bit_values: bool = False) -> dict[int, list[Any]]:
        """Return the names of each source's flags.

        Parameters
        ----------
        return_bit_values : bool, optional
            Whether to return bits instead of names.

        Returns
        -------
        decoded : dict of int to list
            By label, in the order of the catalog.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> y, x = np.mgrid[:41, :41]
        >>> data = 9 * np.exp(-((x - 20) ** 2 + (y - 1) ** 2) / 18)
        >>> SourceCatalog(data, detect_sources(data, 1, npixels=5)).decode_flags()
        {1: ['edge_touch', 'kron_partial_overlap']}
        """
        return decode(self._results, return_bit_values)

    @property
    def slices(self) -> Any:
        """The slices ``(y, x)`` of the smallest box that holds each segment."""
        return self._collapsed(slices_of(self.sources.host.bbox))

    @property
    def bbox(self) -> BoundingBox | list[BoundingBox]:
        """The smallest `~skyshed.segmentation.BoundingBox` that holds each segment."""
        return self._collapsed(boxes_of(self.sources.host.bbox))

    def _plain(self, image: Any, dtype: Any = None) -> Any:
        return self._collapsed(cut_boxes(image, self.sources, self._unit, dtype))

    def _masked(self, image: Any, dtype: Any = None) -> Any:
        return self._collapsed(cut_masked_boxes(image, self.frame, self.sources, dtype))

    @property
    def data(self) -> Any:
        """The data in each source's bounding box, float64."""
        return self._plain(self.frame.data, float)

    @property
    def data_ma(self) -> Any:
        """The data, masked outside the segment and where pixels are masked or not finite."""
        return self._masked(self.frame.data, float)

    @property
    def convdata(self) -> Any:
        """The convolved data in each source's bounding box, float64."""
        return self._plain(self.frame.shape_data, float)

    @property
    def convdata_ma(self) -> Any:
        """The convolved data, masked as `data_ma`."""
        return self._masked(self.frame.shape_data, float)

    @property
    def error(self) -> Any:
        """The errors in each source's bounding box; `None` without errors."""
        return self._plain(self.frame.error)

    @property
    def error_ma(self) -> Any:
        """The errors, masked as `data_ma`."""
        return self._masked(self.frame.error)

    @property
    def background(self) -> Any:
        """The background in each source's bounding box; `None` without a background."""
        return self._plain(self.frame.background)

    @property
    def background_ma(self) -> Any:
        """The background, masked as `data_ma`."""
        return self._masked(self.frame.background)

    @property
    def segment(self) -> Any:
        """The labels in each source's bounding box."""
        return self._collapsed(cut_boxes(self.frame.labels, self.sources))

    @property
    def segment_ma(self) -> Any:
        """The labels, masked as `data_ma`."""
        return self._masked(self.frame.labels)

    def make_cutouts(
        self,
        shape: tuple[int, int],
        *,
        array: Image | None = None,
        mode: str = "partial",
        fill_value: Any = np.nan,
    ) -> Any:
        """Cut images of one shape out, each around a source's centroid.

        Parameters
        ----------
        shape : tuple of int
            The shape ``(ny, nx)``.
        array : array, shape (ny, nx), optional
            An image of the shape of the data, to cut from instead of the data.
        mode : {'partial', 'trim'}, optional
            How to treat what lies outside the image: 'partial' fills it, 'trim' leaves it out.
        fill_value : number, optional
            What 'partial' fills in.

        Returns
        -------
        cutouts : list of `~skyshed.catalog.cutouts.CutoutImage` or None
            `None` where the centroid is not finite, or all of the segment's pixels are masked. A
            single one for a scalar catalog.

        Raises
        ------
        ValueError
            If ``array`` has another shape than the data, ``mode`` is none of the two, or
            ``fill_value`` does not fit the array.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage, SourceCatalog
        >>> labels = np.array([[1, 1, 0, 4, 0, 7]])
        >>> catalog = SourceCatalog(np.arange(6.0)[None], SegmentationImage(labels))
        >>> [cutout.data.tolist() for cutout in catalog.make_cutouts((1, 3), mode="trim")]
        [[[0.0, 1.0, 2.0]], [[2.0, 3.0, 4.0]], [[4.0, 5.0]]]
        """
        return self._collapsed(cut_shapes(self._results, shape, array, mode, fill_value))

    def __getitem__(self, index: Any) -> SourceCatalog:
        if self.isscalar:
            raise TypeError(
                f"A scalar {type(self).__name__!r} object cannot be indexed: it is one source"
            )
        position = np.arange(self.nlabels)[index]
        chosen = np.atleast_1d(position)
        other = copy.copy(self)
        for name in _of_each_source(self):  # set by users: add_property is what goes along
            delattr(other, name)
        other.isscalar = position.ndim == 0
        other._results = self._results.take(chosen, sources=self.sources.take(chosen))
        other._extra = extras.take(self._extra, position)
        other.default_columns = list(self.default_columns)
        other.meta = dict(self.meta)
        return other

    def __len__(self) -> int:
        if self.isscalar:
            raise TypeError(f"Scalar {type(self).__name__!r} object has no len(): it is one source")
        return self.nlabels

    def __iter__(self) -> Iterator[SourceCatalog]:
        return (self[i] for i in range(len(self)))

    def copy(self) -> SourceCatalog:
        """Return a deep copy."""
        return copy.deepcopy(self)

    def release_cache(self) -> None:
        """Do nothing: unlike photutils', a catalog keeps no images but those it was given."""

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


def _of_each_source(catalog: SourceCatalog) -> list[str]:
    """Return the attributes that were set on a catalog and have a value for each source."""

    def has_one_for_each(value: Any) -> bool:
        shape = (len(value),) if isinstance(value, (list, tuple)) else getattr(value, "shape", ())
        return shape[:1] == (catalog.nlabels,)

    return [
        name
        for name, value in vars(catalog).items()
        if not name.startswith("_") and has_one_for_each(value)
    ]


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
