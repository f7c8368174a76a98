"""Fields of stars for the comparison with SEP."""

from typing import Any

import numpy as np


def field(n: int, shape: tuple[int, int], dtype: Any, seed: int = 1) -> Any:
    """Return n Gaussian stars on noise of 2, without a background."""
    rng = np.random.default_rng(seed)
    data = rng.normal(0, 2, shape)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for cx, cy, peak, sigma in zip(
        rng.uniform(0, shape[1], n), rng.uniform(0, shape[0], n), 10 ** rng.uniform(0.8, 2.5, n),
        rng.uniform(1, 3, n), strict=True,
    ):  # fmt: skip
        cut = (
            slice(max(int(cy) - 15, 0), int(cy) + 16),
            slice(max(int(cx) - 15, 0), int(cx) + 16),
        )
        square = (x[cut] - cx) ** 2 + (y[cut] - cy) ** 2
        data[cut] += peak * np.exp(-square / (2 * sigma**2))
    return data.astype(dtype)


def noise(shape: tuple[int, int]) -> Any:
    """Return errors that differ from pixel to pixel."""
    return np.random.default_rng(6).uniform(1.5, 3.0, shape).astype(np.float32)
