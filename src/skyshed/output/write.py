"""What a run found to files: catalog, maps, preview and report, and all that made them."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyshed.heap import give_back_freed
from skyshed.namespace import to_host
from skyshed.output.atomic import whole_set
from skyshed.output.catalog_parts import stream_catalog
from skyshed.output.results import (
    COMBINATION,
    MAP,
    PAGE,
    RESULTS,
    SETTINGS,
    check_apart,
    check_writable,
    is_any_of,
    map_name,
)
from skyshed.output.segmentation_map import write_map
from skyshed.output.table_parts import PlainTable
from skyshed.parameters import Parameters

if TYPE_CHECKING:  # slow to import, and not needed to write a catalog of the usual columns
    from astropy.table import QTable

__all__ = ["Written", "write_extraction"]


@dataclass(frozen=True)
class Written:
    """A finished run, as the writer needs it: its table in parts, its images by windows.

    Attributes
    ----------
    shape : tuple of int
        Of the images.
    n_sources : int
        The sources.
    n_rows : int
        Rows of the table.
    parameters : `~skyshed.Parameters`
        The parameters that were used.
    record : dict of str
        Versions, date and input.
    wcs : object or None
        The celestial WCS.
    tiles : callable
        Returns the table of tiles.
    n_tiles : int
        Its rows.
    noise : float
        The typical noise of a pixel.
    parts : callable
        Returns an iterator over parts of the table, `PlainTable`.
    ellipses : callable
        Returns an iterator over labels and Kron ellipses of parts.
    empty : callable
        Returns the table, if there is no source.
    read_labels, read_image : callable
        ``read(y0, y1, x0, x1)`` returns a window of labels, and of the image without its
        background, NaN where masked, where the run has them: on the host or on a device.
    inputs : mapping of str to str
        The files that the run reads, and the arguments that they were given as.
    step : int or None
        How many rows to read at a time; `None` if it does not matter.
    combination : dtype or None
        That of the image, if it is a combination of bands, which is written then.
    report : callable or None
        Writes the report to a path.
    images : mapping of str to (callable, dtype)
        Further images to write, by the names of `skyshed.output.results.MAPS`, read as the others.
    unit : Unit or None
        That of the images.
    """

    shape: tuple[int, int]
    n_sources: int
    n_rows: int
    parameters: Parameters
    record: dict[str, str]
    wcs: Any
    tiles: Callable[[], "QTable"]
    n_tiles: int
    noise: float
    parts: Callable[[], Iterator[PlainTable]]
    ellipses: Callable[[], Iterator[tuple[Any, Any]]]
    empty: Callable[[], "QTable"]
    read_labels: Callable[[int, int, int, int], Any]
    read_image: Callable[[int, int, int, int], Any]
    inputs: Mapping[str, str]
    step: int | None = None
    combination: Any = None
    report: Callable[[Path], None] | None = None
    images: Mapping[str, Any] = field(default_factory=dict)
    unit: Any = None

    def labels_on_host(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of labels as NumPy."""
        return to_host(self.read_labels(y0, y1, x0, x1))


def write_extraction(
    run: Written,
    folder: str | os.PathLike[str],
    format: str = "fits",
    *,
    compress: bool = False,
    preview: bool = True,
    regions: bool = False,
    map_format: str = "fits",
    report: bool = False,
) -> list[Path]:
    """Write catalog, segmentation image, parameters and pictures of a run into a folder.

    Parameters
    ----------
    run : Written
        What to write.
    folder, format, compress, preview, regions, map_format, report
        See `skyshed.extraction.Extraction.write`.

    Returns
    -------
    paths : list of `~pathlib.Path`
        The files written; those of an earlier run that this one does not have are removed.

    Raises
    ------
    ValueError
        If a file would take the place of one that the run was made from, or of one that no run
        wrote.
    OSError
        If the folder cannot be written to.
    """
    folder = check_writable(folder, format, map_format)
    combined = run.combination is not None
    check_apart(folder, run.inputs, format, compress, map_format, combined, run.images)
    give_back_freed()
    # A map that was measured may lie there, too: what the run was made from stays.
    replaced = [name for name in RESULTS if not is_any_of(os.path.join(folder, name), run.inputs)]
    with whole_set(folder, replaced) as stage:
        _write_tables(run, stage, format, map_name(map_format, compress), map_format)
        if combined or run.images:
            _write_images(run, stage)
        if regions:
            _write_regions(run, stage / "kron.reg")
        if preview:
            _draw(run, stage / "preview.png")
        if report and run.report is not None:
            run.report(stage / PAGE)
        written = {path.name for path in stage.iterdir()}
    return [folder / name for name in RESULTS if name in written]


def _write_tables(
    run: Written, folder: Path, format: str, name_of_map: str, map_format: str
) -> None:
    """Write the catalog, the map, the parameters and the table of tiles, if there are several."""
    # The map is written while the table is measured and written.
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(
            write_map, run.labels_on_host, run.shape, folder / name_of_map, run.n_sources,
            run.parameters, run.record, run.wcs, compress=name_of_map.endswith(".fz"),
            format=map_format, step=run.step,
        )  # fmt: skip
        stream_catalog(
            run.parts(), run.n_rows, folder / f"catalog.{format}", run.parameters, run.record,
            format, empty=None if run.n_rows else run.empty(), shape=run.shape, wcs=run.wcs,
        )  # fmt: skip
        written.result()
    (folder / SETTINGS).write_text(run.parameters.to_toml(), encoding="utf-8")
    if run.n_tiles > 1:
        run.tiles().write(folder / "tiles.ecsv", format="ascii.ecsv")


def _write_images(run: Written, folder: Path) -> None:
    """Write the combination of bands, and the further images."""
    from skyshed.output.float_map import write_image

    if run.combination is not None:
        write_image(
            run.read_image, run.shape, run.combination, folder / COMBINATION, run.record, run.wcs,
            run.step,
        )  # fmt: skip
    for name, (read, dtype) in run.images.items():
        write_image(
            read, run.shape, dtype, folder / f"{MAP}{name}.fits", run.record, run.wcs, run.step,
            run.unit,
        )  # fmt: skip


def _write_regions(run: Written, path: Path) -> None:
    """Write the Kron ellipses as DS9 regions."""
    from skyshed.output.ds9 import HEAD, region_lines

    with open(path, "w", encoding="ascii") as file:
        file.write(HEAD)
        file.writelines(region_lines(*each) for each in run.ellipses())


def _draw(run: Written, path: Path) -> None:
    """Draw the preview, with Kron ellipses if there are few enough to see the image."""
    from skyshed.output.preview import MOST_ELLIPSES, write_preview

    give_back_freed()
    ellipses = None
    if 0 < run.n_sources <= MOST_ELLIPSES:
        ellipses = np.concatenate([rows for _, rows in run.ellipses()])
    level = run.tiles()["background"]
    # Arcseconds across a pixel; not every WCS has such a matrix.
    matrix = getattr(run.wcs, "pixel_scale_matrix", None)
    write_preview(
        run.read_image, run.read_labels, run.shape, path, run.n_sources, noise=run.noise,
        level=float(np.median(getattr(level, "value", level))), unit=str(level.unit or ""),
        pixel_scale=None if matrix is None else 3600 * abs(np.linalg.det(matrix)) ** 0.5,
        compass=_compass(run.wcs, run.shape), ellipses=ellipses, record=run.record, step=run.step,
    )  # fmt: skip


def _compass(
    wcs: Any, shape: tuple[int, int]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return right and up, in pixels, of north and of east in the middle; `None` if not known."""
    if wcs is None:
        return None
    from astropy import units as u

    x, y = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    try:
        here = wcs.pixel_to_world(x, y).icrs
        arrows = []
        for angle in (0, 90):
            there = here.directional_offset_by(angle * u.deg, 1 * u.arcsec)
            across, up = (float(each) for each in wcs.world_to_pixel(there))
            arrows.append((across - x, up - y))
    except Exception:  # of any kind of WCS: one that can't is none
        return None
    north, east = arrows
    known = all(np.isfinite(each).all() and np.hypot(*each) > 0 for each in arrows)
    return (north, east) if known else None
