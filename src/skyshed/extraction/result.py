"""What the chain found, and what it was made from; the same for an image at once and by tiles."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyshed.arguments import check_choice
from skyshed.background import Background2D
from skyshed.chain.association import selected, selected_parts
from skyshed.chain.run import Run
from skyshed.extraction.summary import FlagCounts, ImageNoise
from skyshed.extraction.views import ImageView
from skyshed.images.window import Window
from skyshed.messages import one_line
from skyshed.namespace import to_host
from skyshed.notebook import card, picture_of, quietly, sampled
from skyshed.output.results import MAPS, check_maps
from skyshed.output.run_record import run_record
from skyshed.output.table_parts import PlainTable
from skyshed.output.write import Written, write_extraction
from skyshed.parameters import Parameters
from skyshed.plotting import plot_ellipses, show_image
from skyshed.segmentation import SegmentationImage
from skyshed.shrinking import block_mean, shown_pixels

if TYPE_CHECKING:
    from astropy.table import QTable

    from skyshed.output.page import Contents, MapLayer, PixelLayer

__all__ = ["Extraction", "map_layers"]

#: The images that can be plotted, and those of them whose sky is at 0.
PLOTTED = ("data", "convolved_data", "error", "background", "background_rms", "segmentation")
SKY_AT_0 = ("data", "convolved_data")


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
        self._flags = FlagCounts()
        self._n_rows: int | None = None
        #: Versions, date and input.
        self.record: dict[str, str] = record or {**run_record(run.request.origin()), **run.noted()}
        #: What a report tells its reader besides what follows from the run.
        self.notes: list[str] = []

    def __repr__(self) -> str:
        n, (ny, nx) = self.segmentation.nlabels, self.shape
        return f"<Extraction: {n} source{'' if n == 1 else 's'} in {ny} x {nx} pixels>"

    @quietly
    def _repr_html_(self) -> str:
        background, (ny, nx) = self.background2d, self.shape
        unit = "" if self.unit is None else f" {self.unit}"
        n = self.segmentation.nlabels
        facts = [
            ("input", self.record.get("input", "in memory")), ("image", f"{nx} x {ny} pixels"),
            ("sources", f"{n:,}"),
            ("background", f"{float(np.median(background.mesh.level)):.5g}{unit}"),
            ("noise", f"{float(background.background_rms_median):.4g}{unit}"),
        ]  # fmt: skip
        pixels, which = sampled(self._masked, self.shape, False)
        return card(self._title(), facts, picture_of(pixels), which)

    @property
    def table(self) -> "QTable":
        """One row per source, by label."""
        return selected(self._run.table, self._run.request.association)

    @property
    def plain_table(self) -> PlainTable:
        """The columns of `table` without astropy's objects, which take longer than small images."""
        from skyshed.output.table_parts import put_together

        parts, _ = self._selected_parts()
        return put_together(list(self._plain_parts(parts)))

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
        scale = nsigma * np.sqrt(np.pi * self.noise_factor(radius)) * radius

        def read(window: Window) -> Any:
            noise = self._run.read("noise", window)
            pixels = noise * noise.dtype.type(scale)
            if self._run.has_mask:
                mask = self._run.read("mask", window)
                pixels = self._run.xp.where(mask, pixels.dtype.type(np.nan), pixels)
            return to_host(pixels) if self._host else pixels

        return ImageView(read, self.shape, self._run.dtype)

    def noise_factor(self, radius: float) -> float:
        """Return how many times the correlation of the noise makes the variance of a sum.

        Parameters
        ----------
        radius : float
            Of the circle that is summed over, in pixels.

        Returns
        -------
        factor : float
            1 where no correlation was measured; see `depth`.
        """
        return self._run.mesh().noise_factor(radius)

    def noises(self) -> list[ImageNoise]:
        """Return what a summary says of the image, or of each band."""
        tiles = self.tile_rows()
        level, noise = (
            float(np.median([tile[name] for tile in tiles]))
            for name in ("background", "background_rms")
        )
        zero_point = self.record.get("zero_point_ab")
        return [
            ImageNoise(
                level, noise, str(self.unit or ""), self.noise_factor,
                None if zero_point is None else float(zero_point),
            )
        ]  # fmt: skip

    def tile_rows(self) -> list[dict[str, Any]]:
        """Return the rows of `tiles` as plain numbers, in the unit of the images and seconds."""
        return self._run.tile_rows()

    @property
    def tiles(self) -> "QTable":
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

    def plot(
        self,
        image: str = "data",
        *,
        ax: Any = None,
        region: tuple[int, int, int, int] | None = None,
        apertures: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Show one of the images, with the Kron apertures of the sources.

        Of an image that is not in memory, what is shown is read, window by window; more than 2048
        pixels a side are shrunk by blocks.

        Parameters
        ----------
        image : str, optional
            "data", "convolved_data", "error", "background", "background_rms" or "segmentation".
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; `None` makes new axes, of the sky where there is a WCS.
        region : tuple of 4 int, optional
            ``(y0, y1, x0, x1)``, half open: what to show, and to read. `None` for all.
        apertures : bool, optional
            Whether to draw the apertures.
        **kwargs
            Keywords of `~matplotlib.axes.Axes.imshow`.

        Returns
        -------
        ax : `~matplotlib.axes.Axes`

        Raises
        ------
        ValueError
            If there is no such image, or the region is not in it.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import numpy as np
        >>> from skyshed import extract
        >>> image = np.random.default_rng(1).normal(10, 1, (128, 128))
        >>> image[30:34, 60:64] += 50
        >>> ax = extract(image, nsigma=5).plot(ax=Figure().subplots(), region=(0, 64, 32, 96))
        >>> tuple(map(float, ax.images[0].get_extent())), len(ax.patches)
        ((31.5, 95.5, -0.5, 63.5), 1)
        """
        check_choice(image, "image", PLOTTED)
        if image == "segmentation":
            ax = self.segmentation.plot(ax=ax, region=region, **kwargs)
        else:
            noise = float(self.background2d.background_rms_median)
            pixels, extent = shown_pixels(
                self._reader_of(image), self.shape, region, block_mean, self._run.rows_per_read
            )
            ax = show_image(
                pixels, extent, ax=ax, wcs=self.wcs, noise=noise if image in SKY_AT_0 else None,
                label=image if self.unit is None else f"{image} ({self.unit})", **kwargs,
            )  # fmt: skip
        if apertures:
            y0, y1, x0, x1 = region or (0, self.shape[0], 0, self.shape[1])
            for _, rows in self._run.ellipses():
                x, y = rows[:, 0], rows[:, 1]
                near = (x > x0 - 1) & (x < x1) & (y > y0 - 1) & (y < y1)
                x, y, a, b, theta = rows[near].T
                plot_ellipses(x, y, a, b, theta, ax, color="tab:red", linewidth=0.8)
            ax.set_xlim(x0 - 0.5, x1 - 0.5)
            ax.set_ylim(y0 - 0.5, y1 - 0.5)
        return ax

    def _reader_of(self, image: str) -> "Callable[[int, int, int, int], Any]":
        """Return what reads windows of one of the images."""
        if image == "data":
            return self._masked
        view: ImageView = getattr(self, image)
        return lambda y0, y1, x0, x1: view.read(Window(y0, y1, x0, x1))

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
        report: bool = False,
        maps: str | Iterable[str] = (),
    ) -> list[Path]:
        """Write everything into a folder, in the memory of a tile.

        Parameters
        ----------
        folder : path
            Where to; it is made if need be. It holds one run: files that an earlier one left there
            are replaced, or removed where this one has none.
        format : {"fits", "ecsv", "parquet", "votable", "ldac", "csv"}, optional
            Of the catalog. All have the sources by label but Parquet, which has a row group for
            each tile, in the order of the tiles.
        compress : bool, optional
            Whether to compress the segmentation image by tiles (RICE).
        preview : bool, optional
            Whether to draw ``preview.png``.
        regions : bool, optional
            Whether to write the Kron ellipses as DS9 regions.
        map_format : {"fits", "zarr"}, optional
            Of the segmentation image; Zarr is compressed, in chunks.
        report : bool, optional
            Whether to write ``report.html``; see `report`.
        maps : iterable of str, optional
            Images to write besides, as FITS: ``"background"``, ``"background_rms"`` (or
            ``"noise"``), ``"subtracted"``, ``"convolved"``, ``"threshold"``, ``"error"``.

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
        parts, n_rows = self._selected_parts()
        self._n_rows = n_rows
        written = Written(
            report=self.report, shape=self.shape, n_sources=self.segmentation.nlabels,
            n_rows=n_rows, parameters=self.parameters, record=self.record, wcs=self.wcs,
            tiles=lambda: self.tiles, n_tiles=self._run.n_tiles,
            noise=float(self.background2d.background_rms_median),
            parts=self._counted_parts(parts), ellipses=self._run.ellipses,
            empty=lambda: self.table,
            read_labels=self._labels, read_image=self._masked, inputs=self._run.request.files(),
            step=self._run.rows_per_read,
            combination=None if self._run.request.combination is None else self._run.dtype,
            images={
                name: self._image_of(MAPS[name])
                for name in check_maps(maps)
            },
            unit=self.unit,
        )  # fmt: skip
        return write_extraction(
            written, folder, format, compress=compress, preview=preview, regions=regions,
            map_format=map_format, report=report,
        )  # fmt: skip

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write a page to look at the result: image, sources, distributions, what made them.

        It is one HTML file that needs no network: the image with background, noise, segments and
        apertures, to zoom and stretch; the table, to sort and filter; histograms, flags,
        parameters, times and the record. It takes 30 MB at most: of an image of more than 16
        million pixels all is shown coarse, and as much as there is room for in full, where most
        sources are. Images are read once, window by window.

        Parameters
        ----------
        path : path
            The file, which takes its name when it is complete; one that is there is replaced.

        Raises
        ------
        OSError
            If it cannot be written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from skyshed import extract
        >>> image = np.random.default_rng(1).normal(10, 1, (128, 128))
        >>> image[30:34, 60:64] += 50
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "field.html"
        >>> extract(image, nsigma=5).report(path)
        >>> path.read_text(encoding="utf-8")[:15]
        '<!DOCTYPE html>'
        """
        from skyshed.output.page import write_page

        write_page(self._contents(), path)

    def _contents(self) -> "Contents":
        """Return what a report of this is made from."""
        from skyshed.output.page import Contents

        parts, n_rows = self._selected_parts()
        return Contents(
            title=self._title(),
            shape=self.shape, n_sources=n_rows, parts=lambda: self._plain_parts(parts),
            parameters=self.parameters, record=self.record, images=self._pixel_layers(),
            maps=self._map_layers(), read_labels=self._labels, ellipses=self._run.ellipses,
            wcs=self.wcs, tiles=self.tiles, notes=self._notes(), step=self._run.rows_per_read,
        )  # fmt: skip

    def _title(self) -> str:
        """Return what a report of this is called."""
        return one_line(os.path.basename(self.record.get("input", "")) or "image in memory")

    def _selected_parts(self) -> tuple[Callable[[], Iterator[PlainTable]], int]:
        """Return the parts of the table, with the rows that it has, and how many these are."""
        return selected_parts(
            self._run.parts, self.segmentation.nlabels, self._run.request.association
        )

    def _plain_parts(self, parts: Callable[[], Iterator[PlainTable]]) -> Iterator[PlainTable]:
        """Yield parts of the table; at least one, so that columns are known without rows."""
        none = True
        for part in parts():
            none = False
            yield part
        if none:
            from skyshed.output.table_parts import to_plain

            yield to_plain(self.table)

    def _pixel_layers(self) -> "list[PixelLayer]":
        """Return the images of a report."""
        from skyshed.output.page import PixelLayer

        noise = float(self.background2d.background_rms_median)
        return [PixelLayer("image less background", self._masked, noise, str(self.unit or ""))]

    def _map_layers(self) -> "list[MapLayer]":
        """Return background and noise of a report."""
        return map_layers(self.background2d, self.unit)

    def _notes(self) -> list[str]:
        """Return what the reader of a report should know."""
        from skyshed.output.page.notes import notes_of

        n = self.segmentation.nlabels
        own = notes_of(n, self._run.parameters, self.parameters, self.record)
        return [*self.notes, *own]

    @property
    def flag_counts(self) -> FlagCounts:
        """How many sources have flags, as they were written; of none before `write`."""
        return self._flags

    @property
    def n_rows(self) -> int | None:
        """Rows of the table that was written: of an association fewer than sources; or `None`."""
        return self._n_rows

    def _counted_parts(
        self, parts: Callable[[], Iterator[PlainTable]]
    ) -> Callable[[], Iterator[PlainTable]]:
        """Return what yields the parts of the table, and counts flags."""

        def counted() -> Iterator[PlainTable]:
            self._flags = FlagCounts()
            for part in parts():
                if "flags" in part.columns:
                    self._flags.add(part.columns["flags"])
                yield part

        return counted

    def _image_of(self, name: str) -> tuple[Callable[[int, int, int, int], Any], Any]:
        """Return what reads windows of an image, on the host, and its dtype."""

        def read(y0: int, y1: int, x0: int, x1: int) -> Any:
            return to_host(self._run.read(name, Window(y0, y1, x0, x1)))

        return read, self._run.dtype_of(name)

    def _labels(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of the labels, where they are."""
        return self._run.segmentation.read(y0, y1, x0, x1)

    def _masked(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of the image without its background, NaN where masked, where it is."""
        return self._run.read_masked(Window(y0, y1, x0, x1))


def map_layers(background: Background2D, unit: Any, of: str = "") -> "list[MapLayer]":
    """Return background and noise as layers of a report, in the boxes of the mesh."""
    from skyshed.output.page import MapLayer

    height, width = (int(length) for length in background.box_size)
    return [
        MapLayer(f"{name}{of}", getattr(values, "value", values), (height, width), str(unit or ""))
        for name, values in (
            ("background", background.background_mesh),
            ("noise", background.background_rms_mesh),
        )
    ]
