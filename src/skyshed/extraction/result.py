"""What the chain found, and what it was made from; the same for an image at once and by tiles."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import QTable

from skyshed.background import Background2D
from skyshed.catalog import noise_factors
from skyshed.chain.run import Run
from skyshed.extraction.views import ImageView
from skyshed.images.window import Window
from skyshed.namespace import to_host
from skyshed.output.run_record import run_record
from skyshed.output.write import Written, write_extraction
from skyshed.parameters import Parameters
from skyshed.segmentation import SegmentationImage

__all__ = ["Extraction"]


class Extraction:
    """The sources of an image; what `skyshed.extract` returns.

    It has the same attributes whether the image was worked on at once or tile by tile. Images are
    views: ``found.data[y0:y1, x0:x1]`` and ``numpy.asarray(found.data)`` are arrays, in `unit`.
    After a run over tiles they are read from disk or made from the image when they are asked for:
    keep the workspace, and the image's files, as long as the result is used.

    Parameters
    ----------
    run : `~skyshed.chain.run.Run`
        The finished run of the chain.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skyshed import extract
    >>> image = np.random.default_rng(1).normal(10, 1, (128, 128))
    >>> image[30:34, 60:64] += 50
    >>> found = extract(image, nsigma=5)
    >>> found
    <Extraction: 1 source in 128 x 128 pixels>
    >>> found.data[30:34, 60:64].shape
    (4, 4)
    >>> sorted(path.name for path in found.write(tempfile.mkdtemp(), format="ecsv", preview=False))
    ['catalog.ecsv', 'parameters.toml', 'segmentation.fits']
    """

    def __init__(self, run: Run, record: dict[str, str] | None = None, host: bool = False) -> None:
        self._run, self._host = run, host
        #: Versions, date and input.
        self.record: dict[str, str] = record or {**run_record(run.request.origin()), **run.noted()}

    def __repr__(self) -> str:
        n, (ny, nx) = self.segmentation.nlabels, self.shape
        return f"<Extraction: {n} source{'' if n == 1 else 's'} in {ny} x {nx} pixels>"

    @property
    def table(self) -> QTable:
        """One row per source, by label."""
        return self._run.table

    @property
    def catalog(self) -> Any:
        """The `~skyshed.SourceCatalog` with all other measurements; `None` without sources.

        After a run over tiles it is made when it is first asked for, and reads the whole images.
        """
        return self._run.catalog

    @property
    def detection_cat(self) -> Any:
        """The catalog of the detection image, which positions and shapes come from, or `None`."""
        return self._run.detection_cat

    @property
    def segmentation(self) -> SegmentationImage:
        """The label of each pixel.

        After a run over tiles ``segmentation[y0:y1, x0:x1]`` reads a window; ``data`` reads all.
        """
        segmentation = self._run.segmentation
        return segmentation.to_host() if self._host else segmentation

    @property
    def data(self) -> ImageView:
        """The image without its background, shape (ny, nx)."""
        return self._view("data")

    @property
    def convolved_data(self) -> ImageView:
        """The image that sources were detected and shaped on, NaN where masked, shape (ny, nx).

        `data` where that is not convolved; that of the detection image, if there is one.
        """
        return self._view("convolved_data")

    @property
    def error(self) -> ImageView:
        """The total 1-sigma error of each pixel, shape (ny, nx)."""
        return self._view("error")

    @property
    def mask(self) -> ImageView | None:
        """True for the pixels that were left out, shape (ny, nx); `None` if there is none."""
        return self._view("mask") if self._run.has_mask else None

    @property
    def background(self) -> ImageView:
        """The background that was subtracted, shape (ny, nx)."""
        return self._view("background")

    @property
    def background_rms(self) -> ImageView:
        """The noise that was measured in the background, shape (ny, nx)."""
        return self._view("background_rms")

    @property
    def background2d(self) -> Background2D:
        """The background, as a mesh and as maps.

        Where it was given, the mesh has its means in the boxes, and the maps are made from these:
        `background` is what was subtracted.
        """
        return self._run.background2d()

    @property
    def parameters(self) -> Parameters:
        """The parameters that were used, as they were given: they may be used for other images.

        Numbers that the file gave (zero point, gain, bits of the mask) are in `record`.
        """
        return self._run.request.as_asked(self._run.parameters)

    @property
    def settled_parameters(self) -> Parameters:
        """The parameters with the numbers that the file gave in place of the names of its cards."""
        return self._run.parameters

    def depth(self, radius: float, nsigma: float = 5.0) -> ImageView:
        """Return a map of how faint a source in a circle can be told from noise.

        Parameters
        ----------
        radius : float
            Of the circle, in pixels.
        nsigma : float, optional
            The significance.

        Returns
        -------
        depth : ImageView, shape (ny, nx)
            In each pixel, ``nsigma`` times the error of the sum of the background's noise over a
            circle around it, with the correlation that a second pass over the background measured;
            NaN where the image is masked. In the unit of the image.

        Raises
        ------
        ValueError
            If an argument is not a number above 0.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import extract
        >>> image = np.random.default_rng(1).normal(10, 2, (128, 128))
        >>> image[30:34, 60:64] += 50
        >>> depth = extract(image, background=10.0, rms=np.full(image.shape, 2.0)).depth(3)
        >>> print(f"{depth[60, 60]:.1f}")
        53.2
        """
        for name, value in (("radius", radius), ("nsigma", nsigma)):
            if not 0 < value < np.inf:
                raise ValueError(f"{name} must be a number above 0, got {value!r}")
        correlation = self._run.mesh().noise_correlation
        factor = noise_factors.of_ellipses(correlation, [[0, 0, radius, radius, 0]])[0]
        scale = nsigma * np.sqrt(np.pi * factor) * radius

        def read(window: Window) -> Any:
            noise = self._run.read("noise", window)
            pixels = noise * noise.dtype.type(scale)
            if self._run.has_mask:
                mask = self._run.read("mask", window)
                pixels = self._run.xp.where(mask, pixels.dtype.type(np.nan), pixels)
            return to_host(pixels) if self._host else pixels

        return ImageView(read, self.shape, self._run.dtype)

    @property
    def tiles(self) -> QTable:
        """One row per tile: where it is, its background and noise, its sources, its times.

        An image at once is one tile. ``depth`` is the flux of ``npixels`` pixels at the detection
        threshold.
        """
        return self._run.tiles

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the images."""
        return self._run.request.shape

    @property
    def unit(self) -> Any:
        """The unit of the images, or `None`."""
        return self._run.request.unit

    @property
    def wcs(self) -> Any:
        """The celestial WCS, or `None`."""
        return self._run.request.wcs

    def _view(self, name: str) -> ImageView:
        def read(window: Window) -> Any:
            pixels = self._run.read(name, window)
            return to_host(pixels) if self._host else pixels

        return ImageView(read, self.shape, self._run.dtype_of(name))

    def to_host(self) -> "Extraction":
        """Return the same with NumPy images, copied when they are read; the catalog stays."""
        return Extraction(self._run, self.record, host=True)

    def write(
        self,
        folder: str | os.PathLike[str],
        format: str = "fits",
        *,
        compress: bool = False,
        preview: bool = True,
        regions: bool = False,
        map_format: str = "fits",
    ) -> list[Path]:
        """Write everything into a folder, in the memory of a tile.

        Parameters
        ----------
        folder : path
            Where to; it is made if need be. It holds one run: files that an earlier one left there
            are replaced, or removed where this one has none.
        format : {"fits", "ecsv", "parquet"}, optional
            Of the catalog. FITS has the sources by label; Parquet has a row group for each tile, in
            the order of the tiles; ECSV is put together in memory.
        compress : bool, optional
            Whether to compress the segmentation image by tiles (RICE).
        preview : bool, optional
            Whether to draw ``preview.png``.
        regions : bool, optional
            Whether to write the Kron ellipses as DS9 regions.
        map_format : {"fits", "zarr"}, optional
            Of the segmentation image; Zarr is compressed, in chunks.

        Returns
        -------
        paths : list of `~pathlib.Path`
            The files written.

        Raises
        ------
        OSError
            If the folder cannot be written to.
        ValueError
            If a file would take the place of one that the run was made from, or if the folder has
            files of these names and no run's parameters.
        ImportError
            If a format needs a package that is not installed; the message says which.
        """
        written = Written(
            shape=self.shape, n_sources=self.segmentation.nlabels, parameters=self.parameters,
            record=self.record, wcs=self.wcs, tiles=self.tiles,
            noise=float(self.background2d.background_rms_median),
            parts=self._run.parts, ellipses=self._run.ellipses, empty=lambda: self.table,
            read_labels=self._labels, read_image=self._masked, inputs=self._run.request.files(),
            step=self._run.rows_per_read,
            combination=None if self._run.request.combination is None else self._run.dtype,
        )  # fmt: skip
        return write_extraction(
            written, folder, format, compress=compress, preview=preview, regions=regions,
            map_format=map_format,
        )  # fmt: skip

    def _labels(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of the labels, where they are."""
        return self._run.segmentation.read(y0, y1, x0, x1)

    def _masked(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of the image without its background, NaN where masked, where it is."""
        return self._run.read_masked(Window(y0, y1, x0, x1))
