"""SEP, with its defaults, but for a threshold on the plain convolution as all others have it."""

from typing import Any

import numpy as np
import sep

from benchmarks.settings import BOX, FILTER, KRON, NPIXELS, NSIGMA
from benchmarks.truth.catalogs import Catalog, Tool
from benchmarks.truth.simulate import Sky

__all__ = ["sep_tool"]

#: SEP's own limits overflow in crowded fields.
STACK_SHARE, SUB_OBJECTS = 1 / 4, 100_000


def sep_tool() -> Tool:
    """Return the tool."""
    return Tool("SEP", _measure, _detect)


def _extracted(data: Any, nsigma: float, **options: Any) -> tuple[Any, Any, Any]:
    sep.set_extract_pixstack(max(300_000, int(data.size * STACK_SHARE)))
    sep.set_sub_object_limit(SUB_OBJECTS)
    background = sep.Background(np.ascontiguousarray(data), bw=BOX, bh=BOX, fw=FILTER, fh=FILTER)
    less = data - background.back(dtype=data.dtype)
    found = sep.extract(
        less, nsigma, err=background.rms(), minarea=NPIXELS, filter_type="conv", **options
    )
    return background, less, found


def _measure(sky: Sky, radii: tuple[float, ...]) -> Catalog:
    background, data, (objects, labels) = _extracted(sky.data, NSIGMA, segmentation_map=True)
    x, y, a, b = (objects[name].astype(float) for name in ("x", "y", "a", "b"))
    theta = np.clip(objects["theta"], -np.pi / 2, np.pi / 2)
    others = {"segmap": labels, "seg_id": np.arange(1, len(objects) + 1, dtype=np.int32)}
    radius, _ = sep.kron_radius(data, x, y, a, b, theta, 6.0, **others)
    radius = np.maximum(np.nan_to_num(radius), KRON[1])
    kron, _, _ = sep.sum_ellipse(data, x, y, a, b, theta, KRON[0] * radius, subpix=1, **others)
    half, _ = sep.flux_radius(data, x, y, 6.0 * a, 0.5, normflux=kron, subpix=5, **others)
    x, y, _ = sep.winpos(data, x, y, 2 / 2.35 * half)
    options = {"err": background.rms(), "gain": sky.gain, "subpix": 0, **others}
    apertures = {r: sep.sum_circle(data, x, y, r, **options)[:2] for r in radii}
    return Catalog(
        x, y, None, {"kron": kron, "segment": objects["flux"].astype(float)}, apertures,
        background.back(),
    )  # fmt: skip


def _detect(data: Any, sky: Sky, nsigma: float) -> tuple[Any, Any]:
    _, _, objects = _extracted(data, nsigma)
    return objects["x"], objects["y"]
