"""Fields that are hard on tiles, and runs over tiles to compare with runs at once."""

import warnings
from typing import Any

import numpy as np

from skyshed import extract
from skyshed.extraction import Extraction
from skyshed.extraction.entry import open_request, run_request
from skyshed.extraction.plan import Resources, make_plan
from tests.pipeline_field import same_tables

__all__ = ["add_source", "assert_same", "by_tiles", "draw_field", "draw_parameters"]

#: Standard deviations of sources, and how often each is drawn: stars, galaxies, a few giants.
SIGMAS, SHARES = (1.0, 1.5, 2.0, 6.0, 15.0), (0.3, 0.3, 0.3, 0.07, 0.03)
COLUMNS = (
    (
        "default",
        "gini",
        "perimeter",
        "centroid_win",
        "centroid_quad",
        "centroid_err",
        "fwhm",
        "cxx",
        "dilated_flux",
        "asymmetry",
    ),
    ("default", "background_sum", "background_mean", "background_centroid", "kron_radius"),
)


def add_source(
    data: Any, y: float, x: float, peak: float, sigma: float, ratio: float, angle: float
):
    """Add an elliptical Gaussian to an image."""
    down, right = np.mgrid[: data.shape[0], : data.shape[1]]
    dy, dx = down - y, right - x
    along = dx * np.cos(angle) + dy * np.sin(angle)
    across = dy * np.cos(angle) - dx * np.sin(angle)
    data += peak * np.exp(-0.5 * ((along / sigma) ** 2 + (across / (ratio * sigma)) ** 2))


def draw_field(rng: np.random.Generator) -> tuple[Any, Any]:
    """Return an image and its mask, or None: any dtype, saturation, chip gaps, rows of NaN."""
    shape = rng.integers(40, 200, 2)
    dtype = rng.choice([np.float32, np.float64, np.int32])
    data = rng.normal(100, 3, shape)
    for _ in range(int(data.size * 10 ** rng.uniform(-3.5, -2)) + 1):
        y, x = rng.uniform(0, shape)
        peak, sigma = 10 ** rng.uniform(1, 3.5), rng.choice(SIGMAS, p=SHARES)
        add_source(data, y, x, peak, sigma, rng.uniform(0.3, 1), rng.uniform(0, np.pi))
    if rng.random() < 0.3:
        data = np.minimum(data, 600)
    data = data.astype(dtype)
    mask = None
    if rng.random() < 0.5:
        mask = rng.random(shape) < 0.01
        if rng.random() < 0.5:
            gap = rng.integers(0, shape[1])
            mask[:, gap : gap + rng.integers(1, 9)] = True
    if dtype != np.int32 and rng.random() < 0.3:
        row = rng.integers(0, shape[0])
        data[row : row + 5] = np.nan
    return data, mask


def draw_detection(rng: np.random.Generator) -> dict[str, Any]:
    """Return one of the ways to detect, and one to deblend."""
    ways: tuple[dict[str, Any], ...] = (
        {}, {"significance": 4.0}, {"threshold_type": "global"}, {"threshold": 5.0},
        {"filter": "matched"}, {"filter": "matched", "template_fwhm": (2, 5), "significance": 5.0},
        {"kernel": rng.uniform(0, 1, (3, 5))}, {"significance": 4.0, "threshold_type": "global"},
    )  # fmt: skip
    deblending = {
        "contrast_method": str(rng.choice(["basin", "saddle"])),
        "deblend_npixels": int(rng.choice([1, 3, 5])),
        "deblend_on": str(rng.choice(["convolved", "data"])),
        "max_markers": int(rng.choice([1, 5, 200])),
        "max_npixels": None if rng.random() < 0.7 else int(rng.choice([20, 200])),
    }
    return {**ways[rng.integers(len(ways))], **(deblending if rng.random() < 0.5 else {})}


def draw_parameters(rng: np.random.Generator) -> dict[str, Any]:
    """Return parameters of the chain."""
    radii = (3.0, 12.0) if rng.random() < 0.5 else ()
    drawn = {
        **draw_detection(rng),
        "nsigma": float(rng.choice([1.5, 2, 5])),
        "npixels": int(rng.choice([1, 3, 5, 10])),
        "connectivity": int(rng.choice([4, 8])),
        "box_size": tuple(rng.integers(8, 40, 2).tolist()),
        "filter_size": int(rng.choice([1, 3])),
        "exclude_percentile": float(rng.choice([10, 50, 100])),
        "kernel_fwhm": float(rng.choice([0, 2, 3])),
        "kernel_size": int(rng.choice([3, 5, 7])),
        "nlevels": int(rng.choice([8, 32])),
        "contrast": float(rng.choice([0, 0.001, 0.01])),
        "mode": str(rng.choice(["exponential", "linear", "sinh"])),
        "deblend": bool(rng.random() < 0.85),
        "localbkg_width": int(rng.choice([0, 0, 6, 24])),
        "apermask_method": str(rng.choice(["correct", "mask", "none"])),
        "kron_params": ((2.5, 1.4, 0.0), (1.0, 1.0, 2.0), (4.0, 1.4, 0.0))[rng.integers(3)],
        "fluxfrac_radii": (0.5, 0.9) if rng.random() < 0.5 else (0.5,),
        "aperture_radii": radii,
        "effective_gain": None if rng.random() < 0.5 else 2.0,
        "zero_point": None if rng.random() < 0.5 else 25.0,
        "columns": None if rng.random() < 0.6 else COLUMNS[rng.integers(2)],
        "background_passes": 1 if rng.random() < 0.6 else 2,
        "background_growth": float(rng.choice([0, 1.5, 4, 12])),
        "background_nsigma": None if rng.random() < 0.5 else float(rng.uniform(0.8, 3)),
        "noise_nsigma": None if rng.random() < 0.5 else float(rng.uniform(0.8, 4)),
        "background_fwhm": None if rng.random() < 0.5 else float(rng.uniform(1, 6)),
    }
    refused = ("kernel_fwhm", "kernel_size") if "kernel" in drawn else ()  # beside it
    refused += ("background_nsigma", "noise_nsigma") if "template_fwhm" in drawn else ()
    return {name: value for name, value in drawn.items() if name not in refused}


def by_tiles(
    image: Any,
    tile: tuple[int, int],
    *,
    companions: dict[str, Any] | None = None,
    band: Any = None,
    workspace: Any = None,
    scheduler: Any = None,
    memory: Any = None,
    gpus: tuple[int, ...] = (),
    **options: Any,
) -> Extraction:
    """Extract tile by tile, in tiles of this shape: whole boxes, at least one."""
    request = open_request(image, detection_image=band, **(companions or {}), **options)
    resources = Resources(memory, workspace, scheduler, tile=tile, gpus=gpus)
    return run_request(request, make_plan(request, resources), resources)


def assert_same(tiled: Extraction, whole: Extraction) -> None:
    """Assert that a run over tiles found what a run at once did, bit for bit."""
    np.testing.assert_array_equal(tiled.segmentation.data[:], whole.segmentation.data)
    assert tiled.segmentation.nlabels == whole.segmentation.nlabels == len(whole.table)
    assert same_tables(tiled.table, whole.table)
    assert tiled.parameters.replace(n_threads=None) == whole.parameters.replace(n_threads=None)
    np.testing.assert_array_equal(
        tiled.background2d.background_mesh, whole.background2d.background_mesh
    )


def at_once(image: Any, **options: Any) -> Any:
    """Extract at once, without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return extract(image, **options)
