"""The second simulator: stars, disks and bulges at random places, convolved with a Moffat PSF."""

from typing import Any

import numpy as np
from scipy.signal import oaconvolve

__all__ = ["ZERO_POINT", "draw", "light_of"]

ZERO_POINT = 30.0
#: Shares of stars, disks and bulges.
SHARES = (0.3, 0.5, 0.2)
#: Brightest and faintest magnitude, and the slope of the counts, ``10 ** (slope m)``.
MAGNITUDES, SLOPE = (16.0, 25.5), 0.33
#: Effective radii are log-normal about these pixels at magnitude 22, smaller by this slope per
#: magnitude, with this scatter in dex.
DISK_RADIUS, BULGE_RADIUS, RADIUS_SLOPE, SCATTER = 2.8, 2.0, -0.08, 0.15
#: Profiles end at this many effective radii; what they hold there is the whole flux.
DISK_END, BULGE_END = 4.5, 12.0
#: Sersic's b of a disk and of a bulge (Ciotti & Bertin 1999).
B_DISK, B_BULGE = 1.678347, 7.669249
#: Half the width of the PSF's image, and sub-pixels per pixel and axis of profiles: more in the
#: middle, where bulges are steep.
PSF_HALF, SUBPIXELS, SUBPIXELS_MIDDLE = 60, 3, 15
STAR, DISK, BULGE = 0, 1, 2


def draw(side: int, density: float, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the sources: x, y, flux, magnitude, kind, radius, axis ratio, angle."""
    n = rng.poisson(density * side * side / 1e6)
    bright, faint = (10 ** (SLOPE * m) for m in MAGNITUDES)
    magnitude = np.log10(rng.uniform(bright, faint, n)) / SLOPE
    kind = rng.choice(3, n, p=SHARES)
    radius = np.where(kind == DISK, DISK_RADIUS, BULGE_RADIUS)
    radius = radius * 10 ** (RADIUS_SLOPE * (magnitude - 22) + rng.normal(0, SCATTER, n))
    return {
        "x": rng.uniform(-0.5, side - 0.5, n),
        "y": rng.uniform(-0.5, side - 0.5, n),
        "magnitude": magnitude,
        "flux": 10 ** (-0.4 * (magnitude - ZERO_POINT)),
        "kind": kind,
        "radius": radius,
        "axis_ratio": np.where(kind == DISK, rng.uniform(0.2, 1, n), rng.uniform(0.6, 1, n)),
        "angle": rng.uniform(0, np.pi, n),
    }


def light_of(truth: dict[str, Any], side: int, fwhm: float, beta: float) -> Any:
    """Return the image of the sources without sky or noise, float64."""
    edge = PSF_HALF
    canvas = np.zeros((side + 2 * edge, side + 2 * edge))
    galaxies = np.flatnonzero(truth["kind"] != STAR)
    for k in galaxies:
        _add(canvas, edge, _galaxy(truth, k), truth["x"][k], truth["y"][k])
    light = oaconvolve(canvas, _moffat(fwhm, beta, 0.0, 0.0), mode="same")
    for k in np.flatnonzero(truth["kind"] == STAR):
        x, y = truth["x"][k], truth["y"][k]
        star = truth["flux"][k] * _moffat(fwhm, beta, x - round(x), y - round(y))
        _add(light, edge, star, x, y)
    return np.ascontiguousarray(light[edge:-edge, edge:-edge])


def _add(canvas: Any, edge: int, stamp: Any, x: float, y: float) -> None:
    """Add a stamp around the pixel that holds a source; what is beyond the canvas is lost."""
    half = len(stamp) // 2
    top, left = round(y) + edge - half, round(x) + edge - half
    ny, nx = canvas.shape
    y0, x0 = max(-top, 0), max(-left, 0)
    y1, x1 = min(len(stamp), ny - top), min(len(stamp), nx - left)
    if y0 < y1 and x0 < x1:
        canvas[top + y0 : top + y1, left + x0 : left + x1] += stamp[y0:y1, x0:x1]


def _moffat(fwhm: float, beta: float, x: float, y: float) -> Any:
    """Return the PSF, its sum 1, centred at (x, y) from the middle pixel; 3 x 3 points a pixel."""
    scale = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    n = 2 * PSF_HALF + 1
    at = (np.arange(n * SUBPIXELS) + 0.5) / SUBPIXELS - 0.5 - PSF_HALF
    squared = (at - y)[:, None] ** 2 + (at - x) ** 2
    fine = (1 + squared / scale**2) ** -beta
    coarse = fine.reshape(n, SUBPIXELS, n, SUBPIXELS).sum((1, 3))
    return coarse / coarse.sum()


def _galaxy(truth: dict[str, Any], k: int) -> Any:
    """Return the pixels of a galaxy before the seeing; their sum is its flux."""
    disk = truth["kind"][k] == DISK
    end, rate, power = (DISK_END, B_DISK, 1.0) if disk else (BULGE_END, B_BULGE, 0.25)
    radius, ratio, angle = (truth[name][k] for name in ("radius", "axis_ratio", "angle"))
    shift = truth["x"][k] - round(truth["x"][k]), truth["y"][k] - round(truth["y"][k])
    half = int(np.ceil(end * radius)) + 1

    def profile(half: int, n: int) -> Any:
        at = (np.arange((2 * half + 1) * n) + 0.5) / n - 0.5 - half
        x, y = at - shift[0], (at - shift[1])[:, None]
        along = x * np.cos(angle) + y * np.sin(angle)
        across = (y * np.cos(angle) - x * np.sin(angle)) / ratio
        r = np.hypot(along, across) / radius
        fine = np.where(r < end, np.exp(-rate * (r**power - 1)), 0.0)
        return fine.reshape(2 * half + 1, n, 2 * half + 1, n).mean((1, 3))

    stamp = profile(half, SUBPIXELS)
    stamp[half - 2 : half + 3, half - 2 : half + 3] = profile(2, SUBPIXELS_MIDDLE)
    return stamp * (truth["flux"][k] / stamp.sum())
