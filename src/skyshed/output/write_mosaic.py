"""What a run over tiles found, as files, in the memory of a tile."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skyshed.output.atomic import whole_file
from skyshed.output.catalog_parts import stream_catalog
from skyshed.output.ds9 import HEAD, region_lines
from skyshed.output.segmentation_map import write_map
from skyshed.output.write import check_writable, map_name

if TYPE_CHECKING:
    from skyshed.extraction.mosaic_result import MosaicExtraction

__all__ = ["write_mosaic"]


def write_mosaic(
    found: "MosaicExtraction",
    folder: str | os.PathLike,
    format: str = "fits",
    *,
    compress: bool = False,
    preview: bool = True,
    regions: bool = False,
    map_format: str = "fits",
) -> list[Path]:
    """Write catalog, segmentation image, parameters, tiles and pictures into a folder.

    Parameters
    ----------
    found : MosaicExtraction
        What to write.
    folder, format, compress, preview, regions, map_format
        See `MosaicExtraction.write`.

    Returns
    -------
    paths : list of `~pathlib.Path`
        The files written.
    """
    folder = check_writable(folder, format, map_format)
    segmentation, record = found.segmentation, found.record
    paths = [
        folder / f"catalog.{format}",
        folder / map_name(map_format, compress),
        folder / "parameters.toml",
        folder / "tiles.ecsv",
    ]
    stream_catalog(
        found.parts(), segmentation.nlabels, paths[0], found.parameters, record, format,
        empty=None if segmentation.nlabels else found.table,
    )  # fmt: skip
    write_map(
        segmentation.read, found.shape, paths[1], segmentation.nlabels, found.parameters, record,
        found.wcs, compress=compress, format=map_format, step=segmentation.data.chunks[0],
    )  # fmt: skip
    with whole_file(paths[2]) as part:
        part.write_text(found.parameters.to_toml(), encoding="utf-8")
    with whole_file(paths[3]) as part:
        found.tiles.write(part, format="ascii.ecsv", overwrite=True)
    if regions:
        paths.append(folder / "kron.reg")
        with whole_file(paths[-1]) as part, open(part, "w", encoding="ascii") as file:
            file.write(HEAD)
            file.writelines(region_lines(*places) for places in found.places())
    if preview:
        paths.append(folder / "preview.png")
        with whole_file(paths[-1]) as part:
            _draw(found, part)
    return paths


def _draw(found: "MosaicExtraction", path: Path) -> None:
    """Draw the preview, with Kron ellipses if there are few enough to see the image."""
    from skyshed.output.preview import MOST_ELLIPSES, write_mosaic_preview

    n, ellipses = found.segmentation.nlabels, None
    if 0 < n <= MOST_ELLIPSES:
        ellipses = np.concatenate([places for _, places in found.places()])
    write_mosaic_preview(
        found.read, found.segmentation.read, found.shape, path, n,
        noise=found.background2d.background_rms_median, ellipses=ellipses, record=found.record,
    )  # fmt: skip
