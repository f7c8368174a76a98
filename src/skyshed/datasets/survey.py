"""Simulated survey fields of any size, and windows of them."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from skyshed.arguments import check_positive_integer
from skyshed.cached import cached_property
from skyshed.datasets.conditions import NAMES, Conditions
from skyshed.datasets.field import TYPES, Field, random_stream
from skyshed.kernels import rendering

__all__ = ["SurveyImage", "make_survey_image"]

#: The side in pixels of the blocks that a field is made of. Each has its own random numbers.
BLOCK = 256
#: Sources per million pixels. Of these, some 800 are detected under the default conditions, at 1.5
#: sigma in 5 pixels after smoothing.
DENSITY = 3600.0
#: A pixel belongs to a cosmic ray where the ray leaves more than this many times the noise.
RAY_THRESHOLD = 3.0


@dataclass(frozen=True, eq=False)
class SurveyImage:
    """A simulated field, or a window of it, and the truth about it.

    Attributes
    ----------
    data : array of float32, shape (ny, nx)
        The observed image, sky included; ``bad_value`` where ``mask`` is True.
    mask : array of bool, shape (ny, nx)
        True for bad pixels, bad columns and the gaps between chips.
    error : array of float32, shape (ny, nx)
        The true 1-sigma error: photons of sky and sources, and read noise.
    saturated : array of bool, shape (ny, nx)
        True where the image is clipped at the saturation level.
    cosmic_rays : array of bool, shape (ny, nx), or None
        True for pixels that a cosmic ray hit; `None` if there are no cosmic rays.
    truth : `~astropy.table.Table`
        The sources with centers in this window, in the order of their ``id``:
        ``x`` and ``y`` (pixels of this window, 0 at the center of the first), ``magnitude``,
        ``flux`` (out to infinity, although profiles end at a twentieth of the noise),
        ``type``, ``sersic_index``, ``half_light_radius`` (semi-major, in pixels, before seeing;
        the PSF's for stars), ``axis_ratio``, ``position_angle`` (degrees from the x axis towards
        the y axis), ``saturated``, ``parent`` (the id of the source it was placed near, or 0).
    conditions : `Conditions`
        The conditions of the simulation.
    window : tuple of int
        The window ``y0, y1, x0, x1`` of the whole field.
    field : `Field`
        The whole field.

    Examples
    --------
    >>> from skyshed.datasets import make_survey_image
    >>> image = make_survey_image((100, 120), seed=2, sky_gradient=0)
    >>> float(image.sky[0, 0]), image.psf_fwhm, image.header["GAIN"]
    (100.0, 3.5, 4.0)
    >>> image.truth.colnames[:6]
    ['id', 'x', 'y', 'magnitude', 'flux', 'type']
    """

    data: Any
    mask: Any
    error: Any
    saturated: Any
    cosmic_rays: Any
    truth: Any
    conditions: Conditions
    window: tuple[int, int, int, int]
    field: Field

    @property
    def psf_fwhm(self) -> float:
        """Full width at half maximum of the point-spread function, in pixels."""
        return self.conditions.psf_fwhm

    @cached_property
    def sky(self) -> Any:
        """The true sky under the sources, float32, shape (ny, nx)."""
        return self.field.sky(*self.window)

    @cached_property
    def rms(self) -> Any:
        """The true 1-sigma noise of sky and read-out, without sources, float32, shape (ny, nx)."""
        c = self.conditions
        return np.sqrt(self.sky / c.gain + (c.read_noise / c.gain) ** 2, dtype=np.float32)

    @cached_property
    def wcs(self) -> Any:
        """The `~astropy.wcs.WCS`: a tangential projection, north up, east left."""
        from astropy.wcs import WCS

        c, (ny, nx), (y0, _, x0, _) = self.conditions, self.field.shape, self.window
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = list(c.center)
        wcs.wcs.crpix = [(nx + 1) / 2 - x0, (ny + 1) / 2 - y0]
        wcs.wcs.cdelt = [-c.pixel_scale / 3600, c.pixel_scale / 3600]
        wcs.wcs.cunit = ["deg", "deg"]
        return wcs

    @property
    def header(self) -> Any:
        """A `~astropy.io.fits.Header` with the WCS, gain, zero point, seeing and saturation."""
        header = self.wcs.to_header()
        for keyword, card in self.conditions.cards().items():
            header[keyword] = card
        header["SEED"] = (self.field.seed, "of the simulation")
        return header


def make_survey_image(
    shape: tuple[int, int] = (1024, 1024),
    *,
    density: float = DENSITY,
    seed: int = 1,
    window: tuple[int, int, int, int] | None = None,
    n_threads: int | None = None,
    **conditions: Any,
) -> SurveyImage:
    """Simulate a field of a survey: stars and galaxies on a sky, seen by a camera with defects.

    The number of sources grows with magnitude as a power law. Stars are Moffat (1969) profiles;
    bright ones are saturated and have trails. Galaxies are Sersic (1963) profiles: exponential
    disks, de Vaucouleurs ellipticals and others. They are blurred by adding the size of the PSF in
    quadrature and softening their centers. Some of the sources are clustered, so that many are
    blended. Photon noise is Poisson, read noise normal.

    A window of a field has the same bits as the whole, so that a field larger than memory can be
    made window by window. The bits depend on the generators of the installed NumPy.

    Parameters
    ----------
    shape : pair of int, optional
        The shape of the field.
    density : float, optional
        Sources per million pixels. As in the sky, most are too faint to be detected: with the
        defaults, about a fifth are detected.
    seed : int, optional
        The seed of all random numbers, 0 to 2**64 - 1.
    window : tuple of int, optional
        The window ``(y0, y1, x0, x1)`` to make: rows ``y0`` to ``y1 - 1`` and columns ``x0`` to
        ``x1 - 1``; the whole field by default.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.
    **conditions
        Sky, seeing, camera and populations: see `Conditions`. For example ``psf_fwhm=4.0``,
        ``sky_gradient=0``, ``chip_shape=None``, ``bad_value=0.0`` or ``cosmic_rays=50``.

    Returns
    -------
    field : `SurveyImage`
        The image ``data`` (float32), its ``mask``, ``error`` and ``sky``, the ``truth`` table, the
        ``wcs``, and more.

    Raises
    ------
    ValueError
        If an argument is out of range, or the window is not inside the field.
    TypeError
        If there is no condition of that name.

    Examples
    --------
    >>> from skyshed.datasets import make_survey_image
    >>> field = make_survey_image((200, 300), seed=3)
    >>> field.data.shape, field.data.dtype, len(field.truth)
    ((200, 300), dtype('float32'), 216)
    >>> corner = make_survey_image((200, 300), seed=3, window=(0, 50, 0, 80))
    >>> bool((corner.error == field.error[:50, :80]).all())
    True
    """
    unknown = sorted(set(conditions) - set(NAMES))
    if unknown:
        raise TypeError(
            f"make_survey_image() has no argument {unknown[0]!r}; the conditions are "
            f"{', '.join(NAMES)}"
        )
    shape = _as_shape(shape)
    if not 0 <= density < np.inf:
        raise ValueError(f"density must be a number of at least 0, got {density!r}")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**64:
        raise ValueError(f"seed must be an integer from 0 to 2**64 - 1, got {seed!r}")
    window = _as_window(window, shape)
    field = Field.draw(shape, float(density), int(seed), Conditions(**conditions))
    planes = _observe(field, window, n_threads)
    return SurveyImage(*planes, _truth_table(field, window), field.conditions, window, field)


def _as_shape(shape: Any) -> tuple[int, int]:
    if np.ndim(shape) != 1 or len(shape) != 2:
        raise ValueError(f"shape must be two positive integers (ny, nx), got {shape!r}")
    return check_positive_integer(shape[0], "shape[0]"), check_positive_integer(
        shape[1], "shape[1]"
    )


def _as_window(window: Any, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    if window is None:
        return 0, shape[0], 0, shape[1]
    if np.ndim(window) == 1 and len(window) == 4:
        y0, y1, x0, x1 = (int(edge) for edge in window)
        if 0 <= y0 < y1 <= shape[0] and 0 <= x0 < x1 <= shape[1]:
            return y0, y1, x0, x1
    raise ValueError(
        f"window must be (y0, y1, x0, x1) with 0 <= y0 < y1 <= {shape[0]} and "
        f"0 <= x0 < x1 <= {shape[1]}, got {window!r}"
    )


def _truth_table(field: Field, window: tuple[int, int, int, int]) -> Any:
    from astropy.table import Table

    (y0, y1, x0, x1), truth = window, field.truth
    inside = (truth["y"] >= y0 - 0.5) & (truth["y"] < y1 - 0.5)
    inside &= (truth["x"] >= x0 - 0.5) & (truth["x"] < x1 - 0.5)
    (index,) = np.nonzero(inside)
    table = Table()
    table["id"] = index + 1
    table["x"] = truth["x"][index] - x0
    table["y"] = truth["y"][index] - y0
    for name in ("magnitude", "flux"):
        table[name] = truth[name][index]
    table["type"] = TYPES[truth["type"][index]]
    for name in ("sersic_index", "half_light_radius", "axis_ratio"):
        table[name] = truth[name][index]
    table["position_angle"] = np.degrees(truth["angle"][index])
    table["saturated"] = field.saturated()[index]
    table["parent"] = truth["parent"][index] + 1
    return table


@dataclass(frozen=True, eq=False)
class _Layer:
    """Profiles, and lists of those that reach each block of a window."""

    profiles: Any
    kind: Any
    start: Any
    member: Any

    @classmethod
    def over(cls, profiles: Any, kind: Any, blocks: tuple[int, int, int, int]) -> "_Layer":
        """List the profiles that reach each block, in their order."""
        column = {name: profiles[:, i] for i, name in enumerate(rendering.COLUMNS)}
        ranges = []
        for center, half, first, last in (
            ("y", "half_height", blocks[0], blocks[1]),
            ("x", "half_width", blocks[2], blocks[3]),
        ):
            low = np.ceil(column[center] - column[half]) // BLOCK
            high = np.floor(column[center] + column[half]) // BLOCK + 1
            low, high = np.clip(low, first, last), np.clip(high, first, last)
            ranges.append((low.astype(np.int64), np.maximum(high - low, 0).astype(np.int64)))
        (y, n_y), (x, n_x) = ranges
        count = n_y * n_x
        member = np.repeat(np.arange(len(count)), count)
        nth = np.arange(len(member)) - np.repeat(np.cumsum(count) - count, count)
        width = blocks[3] - blocks[2]
        block = (y[member] - blocks[0] + nth // n_x[member]) * width
        block += x[member] - blocks[2] + nth % n_x[member]
        start = np.zeros((blocks[1] - blocks[0]) * width + 1, np.int64)
        np.cumsum(np.bincount(block, minlength=len(start) - 1), out=start[1:])
        return cls(profiles, kind, start, member[np.argsort(block, kind="stable")])

    def render(self, block: int, y0: int, x0: int, shape: tuple[int, int]) -> Any:
        """Return the light in a block."""
        mine = self.member[self.start[block] : self.start[block + 1]]
        return rendering.render(self.profiles[mine], self.kind[mine], y0, x0, shape, 1)


def _observe(field: Field, window: tuple[int, int, int, int], n_threads: int | None) -> list[Any]:
    """Observe a window block by block: data, mask, error, saturated and cosmic rays."""
    from skyshed.kernels.threads import run_ranges

    (y0, y1, x0, x1), (ny, nx) = window, field.shape
    blocks = y0 // BLOCK, -(-y1 // BLOCK), x0 // BLOCK, -(-x1 // BLOCK)
    width = blocks[3] - blocks[2]
    whole = blocks[0] * BLOCK, blocks[1] * BLOCK, blocks[2] * BLOCK, blocks[3] * BLOCK
    sources = _Layer.over(*field.profiles(whole), blocks)
    rays = _Layer.over(*field.cosmic_rays(), blocks) if field.conditions.cosmic_rays else None
    columns = field.bad_columns()
    dtypes = [np.float32, bool, np.float32, bool, bool]
    planes: list[Any] = [np.empty((y1 - y0, x1 - x0), dtype) for dtype in dtypes]
    if rays is None:
        planes[-1] = None

    def observe(block: int, _: int) -> None:
        top, left = (blocks[0] + block // width) * BLOCK, (blocks[2] + block % width) * BLOCK
        bottom, right = min(top + BLOCK, ny), min(left + BLOCK, nx)
        shape = bottom - top, right - left
        light = sources.render(block, top, left, shape)
        tracks = None if rays is None else rays.render(block, top, left, shape)
        parts = _expose(field, columns, light, tracks, top, left)
        # Blocks are always made whole, so that their random numbers do not depend on the window.
        ya, yb, xa, xb = max(top, y0), min(bottom, y1), max(left, x0), min(right, x1)
        for plane, part in zip(planes, parts, strict=True):
            if plane is not None:
                plane[ya - y0 : yb - y0, xa - x0 : xb - x0] = part[
                    ya - top : yb - top, xa - left : xb - left
                ]

    run_ranges(observe, (blocks[1] - blocks[0]) * width, n_threads, 1)
    return planes


def _expose(
    field: Field, columns: tuple[Any, Any, Any], light: Any, tracks: Any, top: int, left: int
) -> tuple[Any, ...]:
    """Observe the light in a block: add sky, photon and read noise, saturation and defects."""
    c = field.conditions
    rng = random_stream(field.seed, 4, top // BLOCK, left // BLOCK)
    ny, nx = light.shape
    electrons = (light + field.sky(top, top + ny, left, left + nx)) * c.gain
    error = np.sqrt(electrons + c.read_noise**2) / c.gain
    if tracks is not None:
        electrons += tracks * c.gain
    counts = rng.poisson(electrons) + c.read_noise * rng.standard_normal(light.shape)
    data = np.minimum(counts / c.gain, c.saturation)
    saturated = data >= c.saturation
    mask = _defects(field, columns, rng, light.shape, top, left)
    data[mask] = c.bad_value
    struck = None if tracks is None else tracks > RAY_THRESHOLD * c.rms
    return data, mask, error, saturated, struck


def _defects(
    field: Field, columns: tuple[Any, Any, Any], rng: np.random.Generator,
    shape: tuple[int, int], top: int, left: int,
) -> Any:  # fmt: skip
    """Return the mask of a block: bad pixels, bad columns, and gaps between chips."""
    c, (ny, nx) = field.conditions, shape
    mask = np.zeros(shape, bool)
    mask.flat[rng.integers(0, mask.size, rng.binomial(mask.size, c.bad_fraction))] = True
    x, start, stop = columns
    inside = (x >= left) & (x < left + nx) & (start < top + ny) & (stop > top)
    y = np.arange(top, top + ny)[:, np.newaxis]
    bad = (y >= start[inside]) & (y < stop[inside])
    # `at`, because several bad columns may have the same x.
    np.logical_or.at(mask, (slice(None), x[inside] - left), bad)  # type: ignore[arg-type]
    if c.chip_shape is not None:
        for axis, (size, first, n) in enumerate(zip(c.chip_shape, (top, left), shape, strict=True)):
            gap = np.arange(first, first + n) % (size + c.chip_gap) >= size
            mask |= np.expand_dims(gap, 1 - axis)
    return mask
