"""How much the noise of a pixel says of that of its neighbours, and what sums make of it."""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from skyshed.background.statistics import MAD_TO_STD
from skyshed.namespace import array_namespace, in_one_transfer

__all__ = [
    "LAGS",
    "LARGEST_LAG",
    "LEAST_FACTOR",
    "LEAST_PIXELS",
    "NOT_GOOD",
    "STEPS",
    "at_a_time",
    "correlation_of",
    "covariance_factor",
    "pair_sums",
    "products_of_pairs",
    "sampled_boxes",
    "square_of",
    "usual_means",
    "variance_factor",
]

#: Correlation is measured between pixels up to this far apart along each axis: farther than the
#: kernels of resampling reach, and twice the seeing of most images, by which the light of sources
#: is correlated that are too faint to be detected.
LARGEST_LAG = 13
#: Up to this far pairs of pixels count one by one in the variance of a sum, farther ones in blocks
#: of this many lags along each axis: beyond, neither correlation nor apertures change in a pixel.
NEAR, BLOCK = 4, 3
#: Pixels of the boxes that it is measured in, 96 of 64 x 64: each correlation is good to 0.002. Of
#: large boxes there are more pixels, of small ones fewer.
N_PIXELS, LEAST_BOXES, MOST_BOXES = 393_216, 16, 1024
#: Of so many rows and columns of boxes the outermost ones are left out.
LEAST_GRID = 6
#: Pixels of boxes that are worked on at a time.
AT_ONCE = 1 << 20
#: Good pixels that it takes; and to measure it farther than pixels that are so far apart, since a
#: wide aperture adds up hundreds of far pairs, and what is uncertain of each.
LEAST_PIXELS, MANY_PIXELS, SHORT_LAG = 5_000, 50_000, 5
#: Deviations are counted in this part of the noise, and those beyond so many sigma left out. All
#: sums are whole numbers then, which are the same in any order.
STEPS, LARGEST = 256, 4.0
#: What stands for the deviation of a pixel that is not good.
NOT_GOOD = -(1 << 15)
#: Means of boxes so many standard deviations off tell of something else, such as a halo.
FAR_OFF = 3.0
#: The fractional part of the golden ratio: its multiples are spread evenly over boxes.
GOLDEN = (math.sqrt(5) - 1) / 2
#: Lags, a half of them: those of the other half are the same.
LAGS = tuple(
    (dy, dx)
    for dy in range(LARGEST_LAG + 1)
    for dx in range(-LARGEST_LAG, LARGEST_LAG + 1)
    if (dy, dx) >= (0, 0)
)
#: Noise that is anticorrelated may cancel in an aperture; its error is no less than this part.
LEAST_FACTOR = 0.01


def sampled_boxes(shape: tuple[int, int], box_size: tuple[int, int]) -> Any:
    """Return the rows and columns of the whole boxes that the correlation is measured in.

    They are spread over the image, and are the same however it is cut into tiles.

    Parameters
    ----------
    shape : tuple of int
        Of the whole image.
    box_size : tuple of int
        Height and width of the boxes.

    Returns
    -------
    boxes : array of int64, shape (n, 2)
        In the order of rows.
    """
    grid = [whole // size for whole, size in zip(shape, box_size, strict=True)]
    # At the edges of the image the background follows the sky less well.
    edge = int(min(grid) >= LEAST_GRID)
    n_rows, n_columns = (n - 2 * edge for n in grid)
    total = n_rows * n_columns
    wanted = min(max(N_PIXELS // (box_size[0] * box_size[1]), LEAST_BOXES), MOST_BOXES)
    if total <= wanted:
        chosen = np.arange(total)
    else:
        chosen = np.unique((total * ((np.arange(wanted) * GOLDEN) % 1.0)).astype(np.int64))
    return np.column_stack(np.divmod(chosen, max(n_columns, 1))) + edge


def pair_sums(
    data: Any,
    mask: Any,
    corners: Any,
    box_size: tuple[int, int],
    level: Callable[[int], Any],
    noise: Any,
    deviations: Any = None,
) -> Any:
    """Add up the products of pixels of some boxes, for each lag.

    Parameters
    ----------
    data : array of float, shape (ny, nx)
        The image.
    mask : array of bool, shape (ny, nx), or None
        True where it is no background.
    corners : array of int64, shape (n, 2)
        The first row and column of each box.
    box_size : tuple of int
        Height and width of the boxes.
    level : callable
        ``level(k)`` is a background at the pixels of box k, an array of the box's shape.
    noise : array of float, shape (n,)
        The noise of each.
    deviations : array of int16, shape (n, height, width), optional
        Written to: the deviations that are added up, `NOT_GOOD` where a pixel is not good.

    Returns
    -------
    sums : array of float64, shape (n, 2 + 2 m)
        Whole numbers: the good pixels, the sum of their deviations, for each of the m `LAGS` the
        sum of the products of pairs, and for each their number.
    """
    sums = np.empty((len(corners), 2 + 2 * len(LAGS)))
    for some in at_a_time(len(corners), box_size):
        levels = np.stack([level(k) for k in range(some.start, some.stop)])
        whole, good = _deviations_of(data, mask, corners[some], box_size, levels, noise[some])
        if deviations is not None:
            deviations[some] = np.where(good, whole, NOT_GOOD)
        count = good.astype(float)
        totals = count.sum((1, 2)), whole.sum((1, 2))
        products, pairs = (products_of_pairs(each, each)[0] for each in (whole, count))
        sums[some] = np.column_stack([*totals, products, pairs])
    return sums


def at_a_time(n: int, box_size: tuple[int, int]) -> Iterator[slice]:
    """Yield which of n boxes are worked on together."""
    step = max(AT_ONCE // (box_size[0] * box_size[1]), 1)
    for first in range(0, n, step):
        yield slice(first, min(first + step, n))


def _deviations_of(
    data: Any, mask: Any, corners: Any, box_size: tuple[int, int], level: Any, noise: Any
) -> tuple[Any, Any]:
    """Return the deviations of the pixels of boxes, whole numbers, and which pixels are good."""
    height, width = box_size
    y = corners[:, :1, None] + np.arange(height)[:, None]
    x = corners[:, 1:, None] + np.arange(width)
    xp = array_namespace(data=data)
    at = xp.asarray(y), xp.asarray(x)
    pixels = [data[at], *(() if mask is None else (mask[at],))]
    values, *masked = in_one_transfer(*pixels)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        deviation = (values.astype(float) - level) / noise[:, None, None]
        good = np.abs(deviation) <= LARGEST
    if masked:
        good &= ~masked[0]
    return np.where(good, np.rint(STEPS * np.where(good, deviation, 0.0)), 0.0), good


def products_of_pairs(one: Any, other: Any) -> tuple[Any, Any]:
    """Return the sums of the products of pairs of pixels, for the `LAGS` and their reverse.

    Pixels are whole numbers, and so are the sums: what rounding does to a Fourier transform of them
    is far less than a half, 0.01 of 4000 x 4000 pixels of ``STEPS * LARGEST``.

    Parameters
    ----------
    one, other : array of float64, shape (n, height, width)
        The boxes, of the same image or of two.

    Returns
    -------
    products, reverse : array of float64, shape (n, m)
        Those of a pixel of one with the pixel of the other that is a lag further; and the same with
        the lag the other way.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    shape = [next_fast_len(side + LARGEST_LAG, real=True) for side in one.shape[1:]]
    first = rfft2(one, shape)
    second = first if other is one else rfft2(other, shape)
    sums = irfft2(np.conj(first) * second, shape)
    dy, dx = np.array(LAGS).T
    return np.rint(sums[:, dy, dx]), np.rint(sums[:, -dy, -dx])


def correlation_of(sums: Any, off: Any) -> tuple[tuple[float, ...], ...] | None:
    """Return the correlation of the noise of pixels by how far they are apart.

    The mean of each box is subtracted, and by how much the means of boxes scatter about the
    background comes back as a correlation of all pixels of a box: it is in all sums over what is
    left when the background has been subtracted.

    Parameters
    ----------
    sums : array of float64, shape (n, 2 + 2 m)
        Those of `pair_sums`, of boxes in a fixed order.
    off : array of float64, shape (n,)
        How far the background that was subtracted from each box for `pair_sums` lies above the
        final one, in units of its noise.

    Returns
    -------
    correlation : tuple of tuple of float, or None
        A square; ``[LARGEST_LAG + dy][LARGEST_LAG + dx]`` is that of pixels dy and dx apart, 1 in
        the middle. `None` where there are fewer than `LEAST_PIXELS` good pixels.
    """
    n = len(LAGS)
    count, total, products, pairs = np.split(sums, [1, 2, 2 + n], axis=1)
    if count.sum() < LEAST_PIXELS:
        return None
    mean = total / np.maximum(count, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = (products - pairs * mean**2).sum(0) / pairs.sum(0)
    covariance += _variance_of_means((mean[:, 0] + STEPS * off)[count[:, 0] > 0])
    if not covariance[0] > 0:
        return None
    square = square_of(covariance / covariance[0], count.sum())
    return tuple(map(tuple, square.tolist()))


def square_of(values: Any, n_pixels: float) -> Any:
    """Return values of the `LAGS`, measured in so many pixels, as a square of all lags."""
    square = np.zeros((2 * LARGEST_LAG + 1,) * 2)
    for (dy, dx), value in zip(LAGS, np.nan_to_num(values), strict=True):
        if n_pixels >= MANY_PIXELS or max(abs(dy), abs(dx)) <= SHORT_LAG:
            square[LARGEST_LAG + dy, LARGEST_LAG + dx] = value
            square[LARGEST_LAG - dy, LARGEST_LAG - dx] = value
    return square


def usual_means(means: Any) -> Any:
    """Return which of the means of boxes are not far off."""
    deviations = np.abs(means - np.median(means))
    return deviations <= FAR_OFF * MAD_TO_STD * np.median(deviations)


def _variance_of_means(means: Any) -> float:
    """Return the variance of the means of boxes, without those far off."""
    usual = means[usual_means(means)]
    return float(np.var(usual, ddof=1)) if usual.size > 1 else 0.0


@functools.cache
def _groups(middle: int) -> tuple[tuple[int, int, slice, slice], ...]:
    """Return lags that count together, a half of them: their middle, and where they are.

    Up to `NEAR` each counts alone; beyond, as far as there are whole ones around, they are blocks.
    """
    edge = NEAR + max(middle - NEAR, 0) // BLOCK * BLOCK

    def group(dy: int, dx: int, reach: int) -> tuple[int, int, slice, slice]:
        y, x = middle + dy, middle + dx
        return dy, dx, slice(y - reach, y + reach + 1), slice(x - reach, x + reach + 1)

    reach = BLOCK // 2
    centers = range(reach - edge, edge, BLOCK)
    blocks = [(dy, dx) for dy in centers for dx in centers if max(abs(dy), abs(dx)) > NEAR]
    lags = range(-middle, middle + 1)
    alone = [
        (dy, dx) for dy in lags for dx in lags if not NEAR < max(abs(dy), abs(dx)) <= edge
    ]  # fmt: skip
    return tuple(
        group(dy, dx, around)
        for places, around in ((alone, 0), (blocks, reach))
        for dy, dx in places
        if (dy, dx) > (0, 0)
    )


def variance_factor(correlation: Any, overlap: Any, n: int) -> Any:
    r"""Return the variance of weighted sums of correlated noise over that of independent noise.

    .. math:: 1 + \sum_{d \neq 0} \rho(d) A(d) / A(0)

    where :math:`A` is the autocorrelation of the weights.

    Parameters
    ----------
    correlation : tuple of tuple of float, or None
        Of `correlation_of`, or of noise that was smoothed, in units of the variance before; `None`
        for independent noise.
    overlap : callable
        ``overlap(dy, dx)`` returns ``A(d) / A(0)`` of n sums.
    n : int
        The number of sums.

    Returns
    -------
    factor : array of float64, shape (n,)
        At least `LEAST_FACTOR`.
    """
    if correlation is None:
        return np.ones(n)
    factor = covariance_factor(correlation, overlap, n)
    return np.where(factor < LEAST_FACTOR, LEAST_FACTOR, factor)


def covariance_factor(covariance: Any, overlap: Any, n: int) -> Any:
    """Return the covariance of weighted sums over the variance of independent noise.

    Parameters
    ----------
    covariance : tuple of tuple of float, or array
        That of pixels by how far they are apart, in units of their variance; in the middle that of
        a pixel with itself, or with the same one of another band.
    overlap, n
        As for `variance_factor`.

    Returns
    -------
    factor : array of float64, shape (n,)
        It may be negative.
    """
    square = np.array(covariance)
    middle = len(square) // 2
    factor = np.full(n, square[middle, middle])
    for dy, dx, rows, columns in _groups(middle):
        value = float(square[rows, columns].sum())
        if value:
            factor += 2 * value * overlap(dy, dx)
    return factor
