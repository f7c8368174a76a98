"""The images and settings of a case, drawn from its seed."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Case", "draw"]


@dataclass
class Case:
    """An image and what is done with it.

    Attributes
    ----------
    data : array
        The image.
    mask : array of bool or None
        Pixels to leave out.
    error, background : array or None
        What goes with it.
    threshold : float or array
        What pixels must exceed.
    detect, deblend, measure, mesh : dict
        Arguments of the stages; ``deblend`` and ``mesh`` are `None` where they are left out.
    """

    data: Any
    mask: Any = None
    error: Any = None
    background: Any = None
    threshold: Any = 0.0
    detect: dict[str, Any] = field(default_factory=dict)
    deblend: dict[str, Any] | None = None
    measure: dict[str, Any] = field(default_factory=dict)
    mesh: dict[str, Any] | None = None

    def __str__(self) -> str:
        shape = "x".join(map(str, self.data.shape))
        has = [name for name in ("mask", "error", "background") if getattr(self, name) is not None]
        return f"{self.data.dtype} {shape} {has} {self.detect} {self.deblend} {self.measure}"


def draw(seed: int, n: int) -> Case:
    """Return case ``n`` of a seed."""
    rng = np.random.default_rng((seed, n))
    shape = tuple(int(side) for side in np.round(10 ** rng.uniform(0, 1.75, 2)))
    if rng.random() < 0.75:
        shape = tuple(int(side) for side in rng.integers(9, 57, 2))
    noise = 10 ** rng.uniform(-1, 1.5)
    image = rng.normal(rng.choice([0.0, 50.0]), noise, shape)
    y, x = np.indices(shape)
    for _ in range(rng.integers(0, 1 + max(image.size // 120, 1))):
        y0, x0 = rng.uniform(0, shape)
        width, peak = rng.choice([0.7, 1.0, 1.8, 4.0]), noise * 10 ** rng.uniform(0.5, 2.5)
        turned = (y - y0) ** 2 + rng.uniform(0.4, 1) * (x - x0) ** 2
        image += peak * np.exp(-0.5 * turned / width**2)
    dtype = np.dtype(str(rng.choice(["f4", "f4", "f8", "f8", ">f4", "i2", "i4", "u2"])))
    if rng.random() < 0.2:  # saturated: plateaus
        image = np.minimum(image, np.quantile(image, rng.uniform(0.6, 0.99)))
    if dtype.kind in "iu":
        image = np.clip(np.round(image), np.iinfo(dtype).min, np.iinfo(dtype).max)
    elif rng.random() < 0.15:
        image[rng.random(shape) < 0.02] = rng.choice([np.nan, np.inf, -np.inf])
    data = image.astype(dtype)
    case = Case(data)
    if rng.random() < 0.4:
        case.mask = rng.random(shape) < rng.choice([0.02, 0.3])
    if rng.random() < 0.5:
        case.error = np.sqrt(noise**2 + np.clip(np.nan_to_num(image), 0, 1e6)).astype(
            data.dtype if dtype.kind == "f" else float
        )
    if rng.random() < 0.4:
        case.background = (10 + 0.1 * x).astype(np.float64)
    finite = image[np.isfinite(image)]
    level = float(np.median(finite)) if finite.size else 0.0
    case.threshold = level + float(rng.choice([0.5, 1.5, 3.0])) * noise
    if rng.random() < 0.3:
        case.threshold = case.threshold + rng.uniform(0, noise, shape)
    case.detect = {
        "n_pixels": int(rng.choice([1, 2, 5, 9])), "connectivity": int(rng.choice([4, 8])),
    }  # fmt: skip
    if rng.random() < 0.8:
        case.deblend = {
            "n_pixels": case.detect["n_pixels"],
            "n_levels": int(rng.choice([1, 5, 32])),
            "contrast": float(rng.choice([0, 0.0001, 0.001, 0.3, 1])),
            "mode": str(rng.choice(["exponential", "linear", "sinh"])),
            "connectivity": case.detect["connectivity"],
        }
    case.measure = {
        "local_bkg_width": int(rng.choice([0, 0, 4, 24])),
        "aperture_mask_method": str(rng.choice(["correct", "mask", "none"])),
        "kron_params": ((2.5, 1.4, 0.0), (1.0, 1.0, 2.0), (4.0, 1.4, 0.0))[rng.integers(3)],
    }
    if rng.random() < 0.4:
        case.mesh = {
            "box_size": tuple(int(side) for side in rng.integers(2, 20, 2)),
            "filter_size": int(rng.choice([1, 3])),
            "exclude_percentile": float(rng.choice([10, 50, 100])),
        }
    return case
