"""An image, sources and apertures, and the cases that photutils 3.1.1 has answered."""

import itertools
from typing import Any, NamedTuple

import numpy as np

SHAPES = {
    "CircularAperture": {"r": 4.3},
    "CircularAnnulus": {"r_in": 3.0, "r_out": 6.0},
    "EllipticalAperture": {"a": 6.0, "b": 3.0, "theta": 0.4},
    "EllipticalAnnulus": {"a_in": 3.0, "a_out": 6.0, "b_out": 4.0, "b_in": 2.2, "theta": 0.4},
    "RectangularAperture": {"w": 7.0, "h": 4.0, "theta": 1.0},
    "RectangularAnnulus": {"w_in": 3.0, "w_out": 7.0, "h_out": 5.0, "theta": -0.6},
}
METHODS = {"exact": 5, "center": 5, "subpixel": 3}
RULES = ("none", "mask", "source_only", "background_only", "correct")
CLIPS: dict[str, Any] = {
    "whole": None,
    "clipped": {"sigma": 2.0, "maxiters": 5},
    "mad": {"sigma": 2.5, "cenfunc": "mean", "stdfunc": "mad_std"},
}
STATISTICS = (
    "sum", "sum_err", "sum_aper_area", "center_aper_area", "min", "max", "mean", "mean_err",
    "median", "median_err", "mode", "std", "var", "mad_std", "biweight_location",
    "biweight_midvariance", "gini", "x_centroid", "y_centroid", "covariance_xx", "covariance_yy",
    "semimajor_axis", "semiminor_axis", "fwhm", "elongation", "ellipse_cxx", "flags",
)  # fmt: skip


class Case(NamedTuple):
    """What is measured, and how."""

    shape: str
    method: str
    subpixels: int
    clean: bool
    rule: str
    statistics: bool
    ddof: int


CASES = [
    Case(
        shape,
        method,
        METHODS[method],
        clean,
        rule,
        (clean, rule) == ((True, "none") if method == "center" else (False, "correct")),
        int(clean),
    )
    for shape, method, clean, rule in itertools.product(SHAPES, METHODS, (True, False), RULES)
]


def case_name(case: Case) -> str:
    """Return a name that is no other case's."""
    return f"{case.shape} {case.method} {'clean' if case.clean else 'bad'} {case.rule}"


class Scene:
    """Stars on noise; bad pixels, a mask and errors; positions in, on and outside of the edges."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        y, x = np.mgrid[:90, :100]
        self.data = rng.normal(1, 1, y.shape)
        self.labels = np.zeros(y.shape, np.int32)
        for k, (cx, cy) in enumerate(rng.uniform(0, 95, (30, 2)), 1):
            square = (x - cx) ** 2 + (y - cy) ** 2
            self.data += 20 * np.exp(-square / 8)
            self.labels[square < 16] = k
        self.bad = self.data.copy()
        self.bad[rng.random(y.shape) < 0.01] = np.nan
        self.bad[5, 5] = np.inf
        self.error = np.abs(rng.normal(1, 0.1, y.shape))
        self.error[rng.random(y.shape) < 0.01] = np.nan
        self.mask = rng.random(y.shape) < 0.02
        positions = rng.uniform(-8, 108, (24, 2))
        self.positions = np.vstack([positions, np.round(rng.uniform(0, 90, (4, 2)))])
        known = np.append(np.unique(self.labels), 0)
        self.own = rng.choice(known, len(self.positions))
        self.background = rng.normal(size=len(self.positions))

    def image(self, case: Case) -> Any:
        """Return the data of a case."""
        return self.data if case.clean else self.bad

    def keywords(self, case: Case, segments: Any) -> dict[str, Any]:
        """Return the images that go with it."""
        given = {} if case.clean else {"error": self.error, "mask": self.mask}
        if case.rule == "none":
            return given
        return given | {
            "segmentation_image": segments,
            "labels": self.own,
            "mask_method": case.rule,
        }


def aperture_of(module: Any, shape: str, positions: Any) -> Any:
    """Return an aperture of a module, photutils' or ours."""
    return getattr(module, shape)(positions, **SHAPES[shape])
