"""The results of a run, read back from their folder to be looked at."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import QTable, Table

from skyshed.chain.background import assemble, background_of, measure_window
from skyshed.chain.faint_light import level_halo
from skyshed.chain.request import IMAGE, Request
from skyshed.chain.source_mask import LeftOut, grown_in, reach_of
from skyshed.chain.steps import prepare_exposure
from skyshed.extraction.entry import open_request
from skyshed.extraction.result import map_layers
from skyshed.images import open_image
from skyshed.images.window import Window
from skyshed.messages import one_line
from skyshed.namespace import array_namespace
from skyshed.output.catalogs import read_catalog
from skyshed.output.page import Contents, MapLayer, PixelLayer
from skyshed.output.page.notes import notes_of
from skyshed.output.results import COMBINATION, FORMATS, SETTINGS
from skyshed.output.table_parts import PlainTable, to_plain
from skyshed.parameters import Parameters

__all__ = ["report_rows", "saved_contents"]

#: What may go with an image, by its argument, which is also its entry of the record.
COMPANIONS = ("weight", "rms", "variance", "background", "error", "mask")
#: Entries of the record that differ if a file is not the one that was read.
UNCHANGED = ("input_size", "input_date")
#: A region of DS9 as `skyshed.output.ds9` writes it: x, y, a, b, angle, label.
REGION = re.compile(r"^ellipse\(([^,]+),([^,]+),([^,]+),([^,]+),([^)]+)\) # text=\{(\d+)\}$", re.M)
#: Without Kron apertures, ellipses of this many standard deviations are drawn.
SIGMAS = 3.0
#: What is said of the background of two passes, with and without a map of the segments.
AGAIN = (
    "Background and noise were measured again, without the segments. The run left out what it "
    "detected first, with background_nsigma and noise_nsigma, so that its own differ, in crowded "
    "fields by a tenth of the noise: --report, written with the results, has them."
)
FIRST = (
    "Background and noise are those of a first pass, with the sources in them: without a "
    "segmentation image the second one can't be made again."
)
#: Rows of boxes that are measured at a time have about so many pixels.
STRIPE = 1 << 22


def saved_contents(folder: str | os.PathLike[str]) -> Contents:
    """Return what a report can show of the results in a folder.

    The image is opened again where the record says it was read from, if it is still there and has
    not changed; its background and noise are measured anew then, with the same parameters.

    Parameters
    ----------
    folder : path
        What ``write`` or ``skyshed extract`` left: at once, by tiles, of bands, or one of many.

    Raises
    ------
    FileNotFoundError
        If there is no catalog of a run in the folder.
    OSError
        If a file is damaged.
    """
    folder = Path(folder)
    path = next(
        (each for each in (folder / f"catalog.{e}" for e in FORMATS) if each.exists()), None
    )
    if path is None:
        raise FileNotFoundError(
            f"{folder} has no catalog ({', '.join(f'catalog.{each}' for each in FORMATS)}): give "
            "the folder that extract, bands or extract --each wrote to"
        )
    table = read_catalog(path)
    meta, table.meta = table.meta, {}
    record = {key: str(value) for key, value in meta.get("record", {}).items()}
    settings = folder / SETTINGS
    parameters = Parameters.from_toml(settings) if settings.exists() else Parameters()
    notes = notes_of(len(table), parameters, parameters, record)
    labels = _labels_of(folder)
    if labels is None:
        notes.append("There is no segmentation image in the folder.")
    images, maps, shape = _images(folder, table, record, parameters, labels, notes)
    ellipses, ellipses_are = _ellipses(folder, table, parameters)
    tiles = folder / "tiles.ecsv"
    return Contents(
        title=_title(folder, table, record),
        shape=shape, n_sources=len(table), parts=lambda: _one_part(table), parameters=parameters,
        record=record, images=images, maps=maps, ellipses=ellipses, ellipses_are=ellipses_are,
        read_labels=None if labels is None else _reader(labels.image),
        wcs=None if labels is None else labels.image.wcs,
        tiles=QTable.read(tiles, format="ascii.ecsv") if tiles.exists() else None, notes=notes,
    )  # fmt: skip


def _title(folder: Path, table: QTable, record: Mapping[str, str]) -> str:
    """Return what a report is called: the file, the bands, or the folder of many images."""
    bands = _bands_of(table)
    if bands:
        return f"bands {', '.join(bands)}"
    name = "" if "image" in table.colnames else os.path.basename(record.get("input", ""))
    return one_line(name or folder.resolve().name)


def _bands_of(table: QTable) -> list[str]:
    """Return the bands that a table has columns of."""
    return [name.removeprefix("coverage_") for name in table.colnames if name[:9] == "coverage_"]


def _one_part(table: QTable) -> Iterator[PlainTable]:
    """Yield the table as one part, whose rows are in their places."""
    plain = to_plain(_unmasked(table))
    yield PlainTable(plain.columns, plain.header, np.arange(len(table)))


def _unmasked(table: QTable) -> QTable:
    """Return the table with empty texts, and NaN, for what a format read as masked."""
    masked = [
        name for name in table.colnames
        if hasattr(table[name], "mask") and hasattr(table[name], "dtype")
    ]  # fmt: skip
    if not masked:
        return table
    table = table.copy(copy_data=False)
    for name in masked:
        kind = table[name].dtype.kind
        table[name] = table[name].filled("" if kind in "US" else np.nan if kind == "f" else 0)
    return table


def _labels_of(folder: Path) -> Any:
    """Return the segmentation image of a folder, `None` if it has none."""
    for name in ("segmentation.fits", "segmentation.fits.fz", "segmentation.zarr"):
        if (folder / name).exists():
            return open_image(folder / name)
    return None


def _reader(image: Any) -> Callable[[int, int, int, int], Any]:
    """Return a function that reads windows."""

    def read(y0: int, y1: int, x0: int, x1: int) -> Any:
        pixels = np.asarray(image.read(Window(y0, y1, x0, x1)))
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)

    return read


def _images(
    folder: Path,
    table: QTable,
    record: Mapping[str, str],
    parameters: Parameters,
    labels: Any,
    notes: list[str],
) -> tuple[list[PixelLayer], list[MapLayer], tuple[int, int]]:
    """Return the images and maps that can be had, and their shape; add to the notes what can't."""
    images: list[PixelLayer] = []
    maps: list[MapLayer] = []
    shape = (0, 0) if labels is None else labels.image.shape
    bands = _bands_of(table)
    if (folder / COMBINATION).exists():
        combination = open_image(folder / COMBINATION)
        images.append(PixelLayer("combination", _reader(combination.image), 0.0))
        shape = combination.image.shape
    if "image" in table.colnames:  # of many images
        return images, maps, shape
    for number, band in enumerate(bands or [""]):
        own = record
        if band:
            key = "input" if number == 0 and band not in record else band
            own = {name.replace(key, "input", 1): text for name, text in record.items()
                   if name == key or name.startswith(f"{key}_")}  # fmt: skip
            own |= {name.removeprefix(f"{band}_"): text for name, text in record.items()
                    if name.removeprefix(f"{band}_") in COMPANIONS}  # fmt: skip
        what = f"band {band}" if band else "image less background"
        try:
            request = _reopened(own, parameters, shape)
            of = f" of band {band}" if band else ""
            layer, own_maps = _measured(request, what, of, None if labels is None else labels.image)
        except Exception as error:  # of files that are gone, or hold something else by now
            notes.append(
                f"The {'image' if not band else what} can't be shown: {one_line(error)}. "
                "A report that is written with the results (--report) has it."
            )
            continue
        images.append(layer)
        maps += own_maps
        shape = request.shape
        if request.parameters.background_passes > 1 and AGAIN not in notes:
            notes.append(AGAIN if labels is not None else FIRST)
    return images, maps, shape


def _reopened(record: Mapping[str, str], parameters: Parameters, shape: tuple[int, int]) -> Request:
    """Open the image of a record, with what went with it, as it was.

    Raises
    ------
    ValueError
        If it is not what was read: the message says why.
    """
    path = record.get("input", "")
    if not path or path == "array":
        raise ValueError("it was in memory")
    if "input_reprojected" in record:
        raise ValueError(f"{path} was brought {record['input_reprojected']}")
    given: Any = path
    if not os.path.exists(path):
        parts = path.split(", ")
        if len(parts) < 2 or not all(map(os.path.exists, parts)):
            raise ValueError(f"{path} is not there")
        given = parts
    hdu: Any = record.get("input_hdu")
    profile = record.get("profile", "").partition(":")[0] or None
    request = open_request(
        given, parameters=parameters, hdu=int(hdu) if hdu and hdu.isdecimal() else hdu,
        region=record.get("region"), profile=profile, wcs=record.get("wcs"),
        **{name: _companion(record, name) for name in COMPANIONS},
    )  # fmt: skip
    now = {key: str(value) for key, value in request.exposure.image.origin().items()}
    if any(now.get(key) != record[key] for key in UNCHANGED if key in record):
        raise ValueError(f"{path} has changed since")
    if shape != (0, 0) and request.shape != tuple(shape):
        raise ValueError(f"{path} has the shape {request.shape}, and the results have {shape}")
    return request


def _companion(record: Mapping[str, str], name: str) -> Any:
    """Return what went with the image, as an argument."""
    path = record.get(name)
    if path is None or not os.path.exists(path):
        return path
    hdu = record.get(f"{name}_hdu")
    return path if hdu is None else f"{path}[{hdu}]"


def _measured(
    request: Request, name: str, of: str, labels: Any
) -> tuple[PixelLayer, list[MapLayer]]:
    """Return the image less its background, and background and noise; by stripes of boxes.

    A second pass leaves out the segments, if there is a map of them.
    """
    exposure, (ny, nx), parameters = request.exposure, request.shape, request.parameters
    height = request.box_size[0]
    step = height * max(1, STRIPE // (nx * height))
    windows = [Window(y, min(y + step, ny), 0, nx) for y in range(0, ny, step)]

    def mesh_without(left_out: Callable[[Window], Any], halo: int = 0, first: Any = None) -> Any:
        boxes = {}
        for window in windows:
            around = window.grown(halo, request.shape)
            boxes[window] = measure_window(
                exposure.read(around), window, request.shape, request.box_size, parameters,
                left_out(around), None if first is None else first.mesh, around,
            )  # fmt: skip
        return assemble(exposure, boxes, 1, request.box_size, parameters, first)

    mesh = mesh_without(lambda window: None)
    if parameters.background_passes > 1 and labels is not None:
        distance = parameters.background_growth

        def sources(window: Window) -> Any:
            around = window.grown(reach_of(distance), request.shape)
            segments = grown_in(labels.read(around) != 0, distance, around, window)
            return LeftOut(segments, segments)

        mesh = mesh_without(sources, level_halo(parameters), mesh)

    def read(y0: int, y1: int, x0: int, x1: int) -> Any:
        image = prepare_exposure(request, IMAGE, Window(y0, y1, x0, x1), {IMAGE: mesh})
        data, _ = image.without_background()
        mask = image.planes.mask
        return data if mask is None else np.where(mask, data.dtype.type(np.nan), data)

    background = background_of(
        mesh.mesh, request.shape, request.box_size, np.dtype(np.float64),
        array_namespace(image=np.empty(0)), request.parameters,
    )  # fmt: skip
    layer = PixelLayer(name, read, float(background.background_rms_median), str(request.unit or ""))
    return layer, map_layers(background, request.unit, of)


def _ellipses(
    folder: Path, table: QTable, parameters: Parameters
) -> tuple[Callable[[], Iterator[tuple[Any, Any]]] | None, str]:
    """Return apertures that can be drawn, and what they are."""
    regions = folder / "kron.reg"
    if regions.exists():
        found = REGION.findall(regions.read_text(encoding="ascii"))
        rows = np.array(found, float).reshape(-1, 6)
        rows[:, :2] -= 1  # DS9 counts from 1
        return lambda: iter([(rows[:, 5].astype(np.int64), rows[:, :5])]), "Kron apertures"
    needed = (
        "label",
        "xcentroid",
        "ycentroid",
        "semimajor_sigma",
        "semiminor_sigma",
        "orientation",
    )
    if not set(needed) <= set(table.colnames):
        return None, "positions"
    label, x, y, a, b, theta = (_numbers(table[name]) for name in needed)
    scale, name = np.full(len(table), SIGMAS), f"ellipses of {SIGMAS:g} sigma"
    if "kron_radius" in table.colnames:
        scale, name = _numbers(table["kron_radius"]) * parameters.kron_params[0], "Kron apertures"
    rows = np.stack([x, y, a * scale, b * scale, theta], axis=1)
    return lambda: iter([(label.astype(np.int64), rows)]), name


def _numbers(column: Any) -> Any:
    return np.asarray(getattr(column, "value", column), float)


def report_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of the report of many images."""
    table = Table.read(path, format="ascii.ecsv")

    def filled(row: Any) -> dict[str, Any]:
        values = zip(table.colnames, row, strict=True)
        return {name: "" if value is np.ma.masked else value for name, value in values}

    return [filled(row) for row in table.iterrows()]
