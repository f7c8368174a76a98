"""The ellipse that has the second moments of a source."""

from typing import Any

import numpy as np

from skyshed.catalog.registry import Column, measurement
from skyshed.kernels.ellipses import ellipses


@measurement(
    Column(
        "inertia_tensor",
        "pix2",
        "Inertia tensor about the centroid, rows as (y, x): second central moments, the product "
        "negative.",
        ucd="src.morph.param",
    ),
    geometry=True,
)
def inertia_tensor(moments_central: Any) -> Any:
    """Arrange the second central moments."""
    product = -moments_central[:, 1, 1]
    tensor = [moments_central[:, 0, 2], product, product, moments_central[:, 2, 0]]
    return np.stack(tensor, axis=-1).reshape(-1, 2, 2)


@measurement(
    Column(
        "covariance",
        "pix2",
        "Covariance matrix of the source, rows as (x, y): second central moments over the zeroth. "
        "The variance along an axis is at least that of a pixel, 1/12.",
        ucd="src.morph.param",
    ),
    Column(
        "covar_sigx2",
        "pix2",
        "Variance along x.",
        alias="covariance_xx",
        ucd="stat.variance;src.morph.param",
    ),
    Column(
        "covar_sigxy",
        "pix2",
        "Covariance of x and y.",
        alias="covariance_xy",
        ucd="stat.covariance;src.morph.param",
    ),
    Column(
        "covar_sigy2",
        "pix2",
        "Variance along y.",
        alias="covariance_yy",
        ucd="stat.variance;src.morph.param",
    ),
    Column(
        "covariance_eigvals",
        "pix2",
        "Eigenvalues of the covariance matrix, larger first.",
        ucd="src.morph.param",
    ),
    Column(
        "semimajor_sigma",
        "pix",
        "Standard deviation a along the major axis, the root of the larger eigenvalue.",
        alias="semimajor_axis",
        ucd="phys.size.smajAxis;instr.pixel",
    ),
    Column(
        "semiminor_sigma",
        "pix",
        "Standard deviation b along the minor axis, the root of the smaller eigenvalue.",
        alias="semiminor_axis",
        ucd="phys.size.sminAxis;instr.pixel",
    ),
    Column(
        "fwhm",
        "pix",
        "Full width at half maximum of the circularized Gaussian, 2 sqrt(ln 2 (a**2 + b**2)).",
        ucd="phys.size.diameter;instr.pixel",
    ),
    Column(
        "orientation",
        "deg",
        "Angle of the major axis from x towards y, in (-90, 90].",
        ucd="pos.posAng;instr.pixel",
    ),
    Column(
        "eccentricity",
        "1",
        "Eccentricity of the ellipse, sqrt(1 - b**2 / a**2).",
        ucd="src.morph.param",
    ),
    Column(
        "elongation", "1", "Ratio of the major to the minor axis, a / b.", ucd="phys.size.axisRatio"
    ),
    Column(
        "ellipticity",
        "1",
        "1 less the ratio of the minor to the major axis, 1 - b / a.",
        ucd="src.ellipticity",
    ),
    Column(
        "cxx",
        "pix-2",
        "Coefficient of x**2 in the ellipse cxx x**2 + cxy x y + cyy y**2 = R**2, R in units of "
        "its axes.",
        alias="ellipse_cxx",
        ucd="src.morph.param",
    ),
    Column(
        "cxy",
        "pix-2",
        "Coefficient of x y in the ellipse's equation; see cxx.",
        alias="ellipse_cxy",
        ucd="src.morph.param",
    ),
    Column(
        "cyy",
        "pix-2",
        "Coefficient of y**2 in the ellipse's equation; see cxx.",
        alias="ellipse_cyy",
        ucd="src.morph.param",
    ),
    geometry=True,
)
def ellipse(moments_central: Any, n_threads: int | None) -> Any:
    """Derive the ellipse; the variance along an axis is at least that of a pixel, 1/12."""
    covariance, eigenvalues, *columns = ellipses(moments_central, n_threads)
    return covariance, *columns[:3], eigenvalues, *columns[3:]
