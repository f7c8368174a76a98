"""Outlines of segments as Shapely polygons, traced by rasterio."""

from itertools import chain
from typing import Any

import numpy as np

from skyshed.namespace import in_one_transfer
from skyshed.optional import need
from skyshed.sources import Sources

__all__ = ["can_draw", "draw", "need_tracing", "outline"]

#: A call of rasterio costs as much as tracing this number of pixels.
PIXELS_PER_CALL = 25_000
#: Sources are traced in one image if it has no more pixels than this, 256 MiB.
PIXELS_AT_ONCE = 1 << 26


def need_tracing(purpose: str) -> None:
    """Raise an ImportError if rasterio or Shapely, which ``purpose`` needs, can't be imported."""
    need("rasterio", purpose, "regions")
    need("shapely", purpose, "regions")


def can_draw() -> bool:
    """Whether rasterio and Shapely are installed."""
    try:
        need_tracing("")
    except ImportError:
        return False
    return True


def outline(mask: Any, y0: int, x0: int) -> Any:
    """Return the polygon around the True pixels of a cutout, `None` if rasterio finds none.

    Parameters
    ----------
    mask : array of bool, shape (ny, nx)
        The pixels, on the host.
    y0, x0 : int
        Where the cutout begins.
    """
    return _drawn(mask.astype(np.uint8), y0, x0, 1)[0]


def draw(sources: Sources) -> list[Any]:
    """Return the polygon around each source; only the pixels are copied from a device."""
    n, nx = len(sources), sources.shape[1]
    if n == 0:
        return []
    pixel, start, bbox = in_one_transfer(sources.pixel, sources.start, sources.bbox)
    y0, x0 = bbox[:, 0].min(), bbox[:, 2].min()
    height, width = bbox[:, 1].max() - y0, bbox[:, 3].max() - x0
    area = int(height * width)
    # If a source occurs twice, one image can't hold it under two numbers.
    apart = n == 1 or np.unique(sources.host.labels).size < n
    if not apart and area <= min(PIXELS_AT_ONCE, n * PIXELS_PER_CALL):
        image = np.zeros((height, width), np.int32)
        y, x = np.divmod(pixel, nx)
        image[y - y0, x - x0] = np.repeat(np.arange(1, n + 1, dtype=np.int32), np.diff(start))
        return _drawn(image, y0, x0, n)
    polygons = []
    for i, (top, bottom, left, right) in enumerate(bbox.tolist()):
        y, x = np.divmod(pixel[start[i] : start[i + 1]], nx)
        image = np.zeros((bottom - top, right - left), np.uint8)
        image[y - top, x - left] = 1
        polygons += _drawn(image, top, left, 1)
    return polygons


def _drawn(image: Any, y0: int, x0: int, n: int) -> list[Any]:
    """Return the polygon around each of the values 1 .. n of an image, `None` where there is none.

    A value in one piece gives a Polygon, one in several a MultiPolygon.
    """
    import shapely
    from rasterio.features import shapes
    from rasterio.transform import Affine

    # The origin is the corner of the first pixel in rasterio, its centre here.
    corner = Affine(1.0, 0.0, x0 - 0.5, 0.0, 1.0, y0 - 0.5)
    traced = list(shapes(image, connectivity=8, mask=image != 0, transform=corner))
    if not traced:
        return [None] * n
    # All at once: a call of Shapely for each ring would take as long as tracing them.
    rings = [ring for piece, _ in traced for ring in piece["coordinates"]]
    vertices = np.array(list(chain.from_iterable(rings)), np.float64)
    of_ring = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    of_piece = np.repeat(
        np.arange(len(traced)),
        [len(piece["coordinates"]) for piece, _ in traced],
    )
    pieces = shapely.polygons(shapely.linearrings(vertices, indices=of_ring), indices=of_piece)
    by_value: list[list[Any]] = [[] for _ in range(n)]
    for piece, (_, value) in zip(pieces, traced, strict=True):
        by_value[int(value) - 1].append(piece)
    return [
        (parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)) if parts else None
        for parts in by_value
    ]
