"""Circles and rings."""

import math
from typing import Any, ClassVar

from astropy import units as u

from skyshed.aperture.attributes import Length, PixelPositions, PositiveAngle, SkyPositions
from skyshed.aperture.base import PixelAperture, SkyAperture
from skyshed.aperture.drawing import ring
from skyshed.aperture.ellipse import (
    EllipticalAnnulus,
    EllipticalAperture,
    SkyEllipticalAnnulus,
    SkyEllipticalAperture,
)
from skyshed.kernels import shapes

__all__ = ["CircularAnnulus", "CircularAperture", "SkyCircularAnnulus", "SkyCircularAperture"]


def _sky() -> Any:
    from skyshed.aperture import sky  # loads the catalog's WCS code, which few need

    return sky


class CircularAperture(PixelAperture):
    """Circles of one radius.

    Parameters
    ----------
    positions : array_like, shape (2,) or (n, 2)
        The centre ``(x, y)`` in pixels, or a list of centres.
    r : float
        The radius in pixels, positive.

    Raises
    ------
    ValueError
        If ``r`` is not positive, or a position not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.aperture import CircularAperture, aperture_photometry
    >>> circles = CircularAperture([(10.0, 20.0), (30.5, 40.0)], r=3.0)
    >>> table = aperture_photometry(np.ones((60, 60)), circles)
    >>> [round(float(flux), 3) for flux in table["aperture_sum"]]
    [28.274, 28.274]
    """

    _params = ("positions", "r")
    family: ClassVar[int] = shapes.CIRCLE
    positions = PixelPositions("The centres in pixels.")
    r = Length("The radius in pixels.")

    def __init__(self, positions: Any, r: float) -> None:
        self.positions = positions
        self.r = r

    def _outline(self) -> tuple[float, ...]:
        return self.r, self.r, 0.0, 0.0, 0.0

    @property
    def area(self) -> float:
        """The area in pixels."""
        return float(math.pi * self.r**2)

    def _patches(self, x: float, y: float, style: dict[str, Any]) -> Any:
        from matplotlib.patches import Circle

        return Circle((x, y), self.r, **style)

    def to_sky(self, wcs: Any, *, as_ellipse: bool = False) -> Any:
        """Return the aperture on the sky, scaled as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        as_ellipse : bool, optional
            Whether to return the ellipse that the circle is on the sky; else the circle of the
            same area.

        Returns
        -------
        `SkyCircularAperture` or `SkyEllipticalAperture`
        """
        sky = _sky()
        positions = sky.sky_positions(self, wcs)
        if as_ellipse:
            a, b, theta = sky.principal_axes_on_sky(wcs, self.positions)
            return SkyEllipticalAperture(
                positions, self.r * a * u.arcsec, self.r * b * u.arcsec, theta=theta
            )
        scale = sky.mean_scale(wcs, self.positions) * u.arcsec
        return SkyCircularAperture(positions, self.r * scale)


class CircularAnnulus(PixelAperture):
    """Rings between two circles.

    Parameters
    ----------
    positions : array_like, shape (2,) or (n, 2)
        The centre ``(x, y)`` in pixels, or a list of centres.
    r_in, r_out : float
        The inner and the outer radius in pixels, positive; ``r_out`` is the larger one.

    Raises
    ------
    ValueError
        If a radius is not positive, ``r_out`` not larger than ``r_in``, or a position not finite.

    Examples
    --------
    >>> from skyshed.aperture import CircularAnnulus
    >>> CircularAnnulus((10.0, 20.0), r_in=3.0, r_out=5.0)
    <CircularAnnulus([10., 20.], r_in=3.0, r_out=5.0)>
    """

    _params = ("positions", "r_in", "r_out")
    ordered = (("r_in", "r_out"),)
    family: ClassVar[int] = shapes.CIRCLE
    positions = PixelPositions("The centres in pixels.")
    r_in = Length("The inner radius in pixels.")
    r_out = Length("The outer radius in pixels.")

    def __init__(self, positions: Any, r_in: float, r_out: float) -> None:
        self.positions = positions
        self.r_in = r_in
        self.r_out = r_out

    def _outline(self) -> tuple[float, ...]:
        return self.r_out, self.r_out, 0.0, self.r_in, self.r_in

    @property
    def area(self) -> float:
        """The area in pixels."""
        return float(math.pi * (self.r_out**2 - self.r_in**2))

    def _patches(self, x: float, y: float, style: dict[str, Any]) -> Any:
        from matplotlib.patches import Circle

        return ring(Circle((x, y), self.r_in), Circle((x, y), self.r_out), style)

    def to_sky(self, wcs: Any, *, as_ellipse: bool = False) -> Any:
        """Return the aperture on the sky; see `CircularAperture.to_sky`.

        Returns
        -------
        `SkyCircularAnnulus` or `SkyEllipticalAnnulus`
        """
        sky = _sky()
        positions = sky.sky_positions(self, wcs)
        if as_ellipse:
            a, b, theta = sky.principal_axes_on_sky(wcs, self.positions)
            a, b = a * u.arcsec, b * u.arcsec
            return SkyEllipticalAnnulus(
                positions, self.r_in * a, self.r_out * a, self.r_out * b, self.r_in * b, theta
            )
        scale = sky.mean_scale(wcs, self.positions) * u.arcsec
        return SkyCircularAnnulus(positions, self.r_in * scale, self.r_out * scale)


class SkyCircularAperture(SkyAperture):
    """Circles of one radius on the sky.

    Parameters
    ----------
    positions : `~astropy.coordinates.SkyCoord`, scalar or shape (n,)
        The centres.
    r : Quantity
        The radius, an angle.

    Raises
    ------
    TypeError
        If ``r`` is no Quantity, or ``positions`` no SkyCoord.
    ValueError
        If ``r`` is not positive, or no angle.

    Examples
    --------
    >>> import astropy.units as u
    >>> from astropy.coordinates import SkyCoord
    >>> from skyshed.aperture import SkyCircularAperture
    >>> SkyCircularAperture(SkyCoord([10, 20], [30, 40], unit="deg"), r=0.5 * u.arcsec).shape
    (2,)
    """

    _params = ("positions", "r")
    positions = SkyPositions("The centres on the sky.")
    r = PositiveAngle("The radius, an angle.")

    def __init__(self, positions: Any, r: Any) -> None:
        self.positions = positions
        self.r = r

    def to_pixel(self, wcs: Any, *, as_ellipse: bool = False) -> Any:
        """Return the aperture in pixels, scaled as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        as_ellipse : bool, optional
            Whether to return the ellipse that the circle is in pixels; else the circle of the same
            area.

        Returns
        -------
        `CircularAperture` or `EllipticalAperture`
        """
        sky = _sky()
        positions, r = sky.pixel_positions(self, wcs), self.r.to_value(u.arcsec)
        if as_ellipse:
            a, b, theta = sky.principal_axes_in_pixels(wcs, positions)
            return EllipticalAperture(positions, r * a, r * b, theta=theta)
        return CircularAperture(positions, r / sky.mean_scale(wcs, positions))


class SkyCircularAnnulus(SkyAperture):
    """Rings between two circles on the sky.

    Parameters
    ----------
    positions : `~astropy.coordinates.SkyCoord`, scalar or shape (n,)
        The centres.
    r_in, r_out : Quantity
        The inner and the outer radius, angles; ``r_out`` is the larger one.

    Raises
    ------
    TypeError
        If a radius is no Quantity, or ``positions`` no SkyCoord.
    ValueError
        If a radius is not positive, or no angle, or ``r_out`` is not larger than ``r_in``.
    """

    _params = ("positions", "r_in", "r_out")
    ordered = (("r_in", "r_out"),)
    positions = SkyPositions("The centres on the sky.")
    r_in = PositiveAngle("The inner radius, an angle.")
    r_out = PositiveAngle("The outer radius, an angle.")

    def __init__(self, positions: Any, r_in: Any, r_out: Any) -> None:
        self.positions = positions
        self.r_in = r_in
        self.r_out = r_out

    def to_pixel(self, wcs: Any, *, as_ellipse: bool = False) -> Any:
        """Return the aperture in pixels; see `SkyCircularAperture.to_pixel`.

        Returns
        -------
        `CircularAnnulus` or `EllipticalAnnulus`
        """
        sky = _sky()
        positions = sky.pixel_positions(self, wcs)
        r_in, r_out = self.r_in.to_value(u.arcsec), self.r_out.to_value(u.arcsec)
        if as_ellipse:
            a, b, theta = sky.principal_axes_in_pixels(wcs, positions)
            return EllipticalAnnulus(
                positions, r_in * a, r_out * a, r_out * b, r_in * b, theta=theta
            )
        scale = sky.mean_scale(wcs, positions)
        return CircularAnnulus(positions, r_in / scale, r_out / scale)
