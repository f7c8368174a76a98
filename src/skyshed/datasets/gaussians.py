"""The small images of Gaussians that the guide and many tests use."""

from typing import Any

import numpy as np

from skyshed.kernels import rendering

__all__ = ["make_4gaussians_image", "make_100gaussians_image"]

#: The level of the sky in both images.
SKY = 5.0
#: The seed of the noise of both images, and of the sources of the larger one.
SEED = 12345


def _render(amplitude: Any, x: Any, y: Any, x_stddev: Any, y_stddev: Any, theta: Any,
            shape: tuple[int, int]) -> Any:  # fmt: skip
    """Return the sum of elliptical Gaussians; their wings are not cut off."""
    cos2, sin2 = np.cos(theta) ** 2, np.sin(theta) ** 2
    profiles = np.zeros((len(amplitude), len(rendering.COLUMNS)))
    endless = np.full(len(amplitude), np.inf)
    columns = {
        "x": x,
        "y": y,
        "amplitude": amplitude,
        "cxx": cos2 / x_stddev**2 + sin2 / y_stddev**2,
        "cxy": np.sin(2 * theta) / x_stddev**2 - np.sin(2 * theta) / y_stddev**2,
        "cyy": sin2 / x_stddev**2 + cos2 / y_stddev**2,
        "reach": endless,
        "half_width": endless,
        "half_height": endless,
    }
    for name, values in columns.items():
        profiles[:, rendering.COLUMNS.index(name)] = values
    kind = np.full(len(amplitude), rendering.GAUSSIAN)
    return rendering.render(profiles, kind, 0, 0, shape, None)


def _with_sky(image: Any, noise: bool, stddev: float) -> Any:
    """Return the image with the sky and, if wanted, noise added."""
    image = image + SKY
    if noise:
        image += np.random.RandomState(SEED).normal(0.0, stddev, image.shape)
    return image


def make_4gaussians_image(noise: bool = True) -> Any:
    """Make an image of four Gaussians on a constant sky of 5.

    It is the image of photutils 1.x, with the noise of its releases before 2.0.

    Parameters
    ----------
    noise : bool, optional
        Whether to add normal noise of standard deviation 5.

    Returns
    -------
    image : array of float64, shape (100, 200)

    Examples
    --------
    >>> from skyshed.datasets import make_4gaussians_image
    >>> image = make_4gaussians_image(noise=False)
    >>> image.shape, round(float(image.max()), 6)
    ((100, 200), 215.0)
    """
    image = _render(
        amplitude=np.array([50.0, 70, 150, 210]),
        x=np.array([160.0, 25, 150, 90]),
        y=np.array([70.0, 40, 25, 60]),
        x_stddev=np.array([15.2, 5.1, 3.0, 8.1]),
        y_stddev=np.array([2.6, 2.5, 3.0, 4.7]),
        theta=np.radians([145.0, 20, 0, 60]),
        shape=(100, 200),
    )
    return _with_sky(image, noise, 5.0)


def make_100gaussians_image(noise: bool = True) -> Any:
    """Make the guide's image: a hundred Gaussians on a constant sky of 5.

    It is the image of photutils 1.x, in which the guide detects 87 sources, 94 after deblending.

    Parameters
    ----------
    noise : bool, optional
        Whether to add normal noise of standard deviation 2.

    Returns
    -------
    image : array of float64, shape (300, 500)

    Examples
    --------
    >>> from skyshed.datasets import make_100gaussians_image
    >>> image = make_100gaussians_image()
    >>> image.shape, round(float(image.mean()), 6)
    ((300, 500), 5.507882)
    """
    shape, n = (300, 500), 100
    rng = np.random.RandomState(SEED)
    ranges: list[tuple[float, float]]
    ranges = [(500, 1000), (0, 500), (0, 300), (1, 5), (1, 5), (0, 2 * np.pi)]
    flux, x, y, x_stddev, y_stddev, theta = (rng.uniform(low, high, n) for low, high in ranges)
    image = _render(
        flux / (2 * np.pi * x_stddev * y_stddev), x, y, x_stddev, y_stddev, theta, shape
    )
    return _with_sky(image, noise, 2.0)
