"""Label images and images for kernel tests, drawn from seeds."""

import numpy as np
from scipy import ndimage

from skyshed.background.interpolation import axis_weights
from skyshed.sources import Sources


def label_image(seed, shape=(90, 101), cell=6, giant=True):
    """Return labels in any order: blobs that touch, scattered pixels, holes, a giant, one pixel."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 12, (-(-shape[0] // cell), -(-shape[1] // cell)))
    blobs = np.kron(cells, np.ones((cell, cell), int))[: shape[0], : shape[1]]
    blobs[rng.random(shape) < 0.1] = 0
    if giant:
        blobs[20:75, 30:80] = 40
        blobs[rng.random(shape) < 0.02] = 40
    blobs[0, 0] = 99
    return blobs.astype(np.int32)


def sky(seed, shape, dtype):
    """Return a smooth positive and negative image with many equal values."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    return np.round(noise * 300, 1).astype(dtype)


def drawn(seed, shape=(90, 101), dtype=np.float64, masked=False, **options):
    """Return sources, an image, and a mask that hides some of them wholly (or None)."""
    sources = Sources.from_labels(label_image(seed, shape, **options))
    image = sky(seed + 1, shape, dtype)
    if not masked:
        return sources, image, None
    mask = np.random.default_rng(seed + 2).random(shape) < 0.2
    for i in (0, len(sources) - 1):
        mask.reshape(-1)[sources.pixel[sources.start[i] : sources.start[i + 1]]] = True
    image[mask] = np.nan
    return sources, image, mask


def spline(seed, boxes=(5, 6), box_size=(16, 45), shape=(75, 261), order=3):
    """Return the coefficients of a mesh, and the indices and weights of an image's axes."""
    coefficients = np.random.default_rng(seed).normal(size=boxes)
    axes = [
        axis_weights(n, size, 0, length, order, "reflect")
        for n, size, length in zip(boxes, box_size, shape, strict=True)
    ]
    index, weight = zip(*axes, strict=True)
    return coefficients, index, weight
