"""One connected source of 790,000 pixels with 3,000 peaks."""

import importlib
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.cpu.rows import Part, Row, at_most

__all__ = ["giant_blend", "measure"]

#: Peaks are Gaussians of this width on a level floor that joins them.
SIGMA = 4.0


def giant_blend(side: int, n_peaks: int, seed: int = 1) -> tuple[Any, Any]:
    """Return an image and a label image of one source of about ``side**2`` pixels.

    Parameters
    ----------
    side : int
        Of the square that the peaks are drawn in.
    n_peaks : int
    seed : int
    """
    rng = np.random.default_rng(seed)
    data = rng.normal(10.0, 0.3, (side, side)).astype(np.float32)
    half = int(5 * SIGMA)
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    for cy, cx, flux in zip(
        rng.uniform(0, side, n_peaks), rng.uniform(0, side, n_peaks),
        10 ** rng.uniform(1, 3, n_peaks), strict=True,
    ):  # fmt: skip
        y0, x0 = int(cy), int(cx)
        shape = np.exp(-((y - cy + y0) ** 2 + (x - cx + x0) ** 2) / (2 * SIGMA**2))
        a, b = max(0, y0 - half), min(side, y0 + half + 1)
        c, d = max(0, x0 - half), min(side, x0 + half + 1)
        data[a:b, c:d] += flux * shape[a - y0 + half : b - y0 + half, c - x0 + half : d - x0 + half]
    return data, np.ones((side, side), np.int32)


def measure(quick: bool) -> Part:
    """Deblend it, and a smaller one beside photutils."""
    import skyshed

    part = Part("A giant blend")
    side, n_peaks = (300, 400) if quick else (889, 3000)
    data, labels = giant_blend(side, n_peaks)
    segments = skyshed.SegmentationImage(labels)
    times = []
    for _ in range(4):
        start = perf_counter()
        found = skyshed.deblend_sources(data, segments, 5, progress_bar=False)
        times.append(perf_counter() - start)
    item = f"deblending {data.size} connected pixels with {n_peaks} peaks ({found.nlabels} sources)"
    part.rows.append(at_most(item, min(times), 2.0, "s"))
    part.figures["seconds"] = min(times)
    # photutils takes minutes for the whole one: an eighth of it shows that labels agree.
    data, labels = giant_blend(side // 3, n_peaks // 9)
    own = skyshed.deblend_sources(data, skyshed.SegmentationImage(labels), 5, progress_bar=False)
    peer = importlib.import_module("photutils.segmentation")
    start = perf_counter()
    theirs = peer.deblend_sources(data, peer.SegmentationImage(labels), 5, progress_bar=False)
    seconds = perf_counter() - start
    differing = int(np.count_nonzero(own.data != theirs.data))
    item = (
        f"a ninth of it: pixels labelled otherwise than by photutils (which took {seconds:.1f} s)"
    )
    part.rows.append(Row(item, str(differing), "0", differing == 0))
    return part
