"""The conditions of a simulated survey: sky, seeing, camera and populations of sources."""

from dataclasses import dataclass, fields
from typing import Any

from skyshed.datasets.profiles import half_light_radius, moffat_scale

__all__ = ["Conditions"]


@dataclass(frozen=True)
class Conditions:
    """The conditions of a simulated survey; the defaults are those of a deep ground-based image.

    Attributes
    ----------
    psf_fwhm : float
        Full width at half maximum of the Moffat (1969) point-spread function, in pixels.
    psf_beta : float
        The exponent of the Moffat profile; more than 1.
    pixel_scale : float
        Arcseconds per pixel.
    center : pair of float
        Right ascension and declination of the middle of the field, in degrees.
    zero_point : float
        Magnitude of a source of flux 1.
    sky_level : float
        Mean of the sky, in the unit of the image.
    sky_gradient : float
        Range of the sky across the field, as a fraction of its mean; the direction is random.
    gain : float
        Electrons per unit of the image.
    read_noise : float
        Electrons per pixel.
    saturation : float
        Brighter pixels are clipped to this value.
    magnitudes : pair of float
        Brightest and faintest magnitude.
    star_fraction : float
        The fraction of the sources that are stars.
    star_slope, galaxy_slope : float
        Growth of the number counts: ``dN/dm`` is proportional to ``10 ** (slope * m)``.
    clustered_fraction : float
        The fraction of the sources that are placed within ``clustering_radius`` of another, with
        separations that follow the angular correlation ``w ~ r^-0.8`` (Peebles 1980).
    clustering_radius : float
        See ``clustered_fraction``; in pixels.
    chip_shape : pair of int or None
        The shape ``(ny, nx)`` of the chips that make up the field; `None` for a single chip.
    chip_gap : int
        The width in pixels of the gaps between chips.
    bad_fraction : float
        The fraction of pixels that are bad individually.
    bad_columns : float
        Bad columns per million pixels, each some hundred pixels long.
    bad_value : float
        The value of the image at bad pixels and in gaps.
    cosmic_rays : float
        Cosmic rays per million pixels.

    Raises
    ------
    ValueError
        If a condition is out of range.

    Examples
    --------
    >>> from skyshed.datasets import Conditions
    >>> poor = Conditions(psf_fwhm=6.0, sky_level=400.0)
    >>> round(poor.rms, 3), round(poor.psf_radius, 3)
    (10.078, 3.787)
    """

    psf_fwhm: float = 3.5
    psf_beta: float = 3.0
    pixel_scale: float = 0.2
    center: tuple[float, float] = (150.1, 2.2)
    zero_point: float = 30.0
    sky_level: float = 100.0
    sky_gradient: float = 0.05
    gain: float = 4.0
    read_noise: float = 5.0
    saturation: float = 40_000.0
    magnitudes: tuple[float, float] = (12.0, 25.5)
    star_fraction: float = 0.15
    star_slope: float = 0.2
    galaxy_slope: float = 0.38
    clustered_fraction: float = 0.3
    clustering_radius: float = 40.0
    chip_shape: tuple[int, int] | None = (2048, 2048)
    chip_gap: int = 24
    bad_fraction: float = 1e-4
    bad_columns: float = 0.5
    bad_value: float = float("nan")
    cosmic_rays: float = 0.0

    def __post_init__(self) -> None:
        for name in ("psf_fwhm", "pixel_scale", "gain", "saturation", "clustering_radius"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)!r}")
        for name in ("sky_level", "read_noise", "bad_columns", "cosmic_rays", "chip_gap"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)!r}")
        for name in ("star_fraction", "clustered_fraction", "bad_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1, got {getattr(self, name)!r}")
        for name in ("star_slope", "galaxy_slope"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name} must not be 0: give a small number for flat counts")
        if not 0 <= self.sky_gradient < 2:
            raise ValueError(
                f"sky_gradient must be at least 0, and below 2 for the sky to stay positive; "
                f"got {self.sky_gradient!r}"
            )
        if self.chip_shape is not None and not min(self.chip_shape) > 0:
            raise ValueError(
                f"chip_shape must be two positive integers or None, got {self.chip_shape!r}"
            )
        if not self.psf_beta > 1:
            raise ValueError(
                f"psf_beta must be above 1 for the PSF to have a flux, got {self.psf_beta!r}"
            )
        if not self.magnitudes[0] < self.magnitudes[1]:
            raise ValueError(
                f"magnitudes must be the brightest, then the faintest; got {self.magnitudes!r}"
            )

    @property
    def psf_scale(self) -> float:
        """The scale of the Moffat profile of the PSF, in pixels."""
        return moffat_scale(self.psf_fwhm, self.psf_beta)

    @property
    def psf_radius(self) -> float:
        """The half-light radius of the PSF, in pixels."""
        return half_light_radius(self.psf_fwhm, self.psf_beta)

    @property
    def rms(self) -> float:
        """The standard deviation of a pixel without sources, for the mean level of the sky."""
        rms: float = (self.sky_level / self.gain + (self.read_noise / self.gain) ** 2) ** 0.5
        return rms

    def cards(self) -> dict[str, tuple[Any, str]]:
        """Return the conditions as cards of a FITS header: keyword -> (value, comment)."""
        return {
            "GAIN": (self.gain, "[e-] per unit of the image"),
            "RDNOISE": (self.read_noise, "[e-] read noise"),
            "SATURATE": (self.saturation, "saturation level"),
            "MAGZERO": (self.zero_point, "[mag] of flux 1"),
            "SEEING": (self.psf_fwhm * self.pixel_scale, "[arcsec] FWHM of the PSF"),
            "PSFFWHM": (self.psf_fwhm, "[pixel] FWHM of the PSF"),
            "PSFBETA": (self.psf_beta, "exponent of the Moffat PSF"),
            "PIXSCALE": (self.pixel_scale, "[arcsec] per pixel"),
            "SKYLEVEL": (self.sky_level, "mean of the sky"),
        }


#: The names of the conditions.
NAMES = tuple(field.name for field in fields(Conditions))
