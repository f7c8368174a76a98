"""Ellipses and their annuli."""

import math
from typing import Any, ClassVar

from astropy import units as u

from skyshed.aperture.attributes import Angle, Length, PixelPositions, PositiveAngle, SkyPositions
from skyshed.aperture.base import PixelAperture, SkyAperture
from skyshed.aperture.drawing import ring
from skyshed.kernels import shapes

__all__ = [
    "EllipticalAnnulus",
    "EllipticalAperture",
    "SkyEllipticalAnnulus",
    "SkyEllipticalAperture",
]


class EllipticalAperture(PixelAperture):
    """Ellipses of one size and angle.

    Parameters
    ----------
    positions : array_like, shape (2,) or (n, 2)
        The centre ``(x, y)`` in pixels, or a list of centres.
    a, b : float
        The semi-major and the semi-minor axis in pixels, positive.
    theta : float or Quantity, optional
        The angle of ``a`` from the x axis towards y: radians, or an angle with a unit.

    Raises
    ------
    ValueError
        If a size is not positive, or a position not finite.

    Examples
    --------
    >>> from skyshed.aperture import EllipticalAperture
    >>> EllipticalAperture((10.0, 20.0), 5.0, 3.0, theta=0.5)
    <EllipticalAperture([10., 20.], a=5.0, b=3.0, theta=0.5 rad)>
    """

    _params = ("positions", "a", "b", "theta")
    family: ClassVar[int] = shapes.ELLIPSE
    positions = PixelPositions("The centres in pixels.")
    a = Length("The semi-major axis in pixels.")
    b = Length("The semi-minor axis in pixels.")
    theta = Angle("The angle of ``a`` from the x axis towards y.")

    def __init__(self, positions: Any, a: float, b: float, theta: Any = 0.0) -> None:
        self.positions = positions
        self.a = a
        self.b = b
        self.theta = theta

    def _outline(self) -> tuple[float, ...]:
        theta = float(self.theta.to_value(u.radian))
        return self.a, self.b, theta, 0.0, 0.0

    @property
    def area(self) -> float:
        """The area in pixels."""
        return float(math.pi * self.a * self.b)

    def _patches(self, x: float, y: float, style: dict[str, Any]) -> Any:
        return _patch(x, y, self.a, self.b, self.theta, style)

    def to_sky(self, wcs: Any) -> "SkyEllipticalAperture":
        """Return the aperture on the sky, scaled and turned as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        """
        from skyshed.aperture import sky

        theta = self.theta.to_value(u.radian)
        a, b, angle = sky.axes_on_sky(wcs, self.positions, self.a, self.b, theta)
        positions = sky.sky_positions(self, wcs)
        return SkyEllipticalAperture(positions, a * u.arcsec, b * u.arcsec, theta=angle)


class EllipticalAnnulus(PixelAperture):
    """What is between two ellipses of one angle.

    Parameters
    ----------
    positions : array_like, shape (2,) or (n, 2)
        The centre ``(x, y)`` in pixels, or a list of centres.
    a_in, a_out : float
        The semi-major axis, inner and outer, in pixels; the outer one is the larger one.
    b_out : float
        The semi-minor axis, outer, in pixels.
    b_in : float, optional
        The semi-minor axis, inner; ``b_out * a_in / a_out`` if `None`.
    theta : float or Quantity, optional
        The angle of ``a`` from the x axis towards y: radians, or an angle with a unit.

    Raises
    ------
    ValueError
        If a size is not positive, an inner one not smaller than its outer one, or a position not
        finite.

    Examples
    --------
    >>> from skyshed.aperture import EllipticalAnnulus
    >>> EllipticalAnnulus((10.0, 20.0), 3.0, 8.0, 5.0).b_in
    1.875
    """

    _params = ("positions", "a_in", "a_out", "b_in", "b_out", "theta")
    ordered = (("a_in", "a_out"), ("b_in", "b_out"))
    family: ClassVar[int] = shapes.ELLIPSE
    positions = PixelPositions("The centres in pixels.")
    a_in = Length("The semi-major axis, inner, in pixels.")
    a_out = Length("The semi-major axis, outer, in pixels.")
    b_in = Length("The semi-minor axis, inner, in pixels.")
    b_out = Length("The semi-minor axis, outer, in pixels.")
    theta = Angle("The angle of ``a`` from the x axis towards y.")

    def __init__(
        self,
        positions: Any,
        a_in: float,
        a_out: float,
        b_out: float,
        b_in: float | None = None,
        theta: Any = 0.0,
    ) -> None:
        self.positions = positions
        self.a_in = a_in
        self.a_out = a_out
        self.b_out = b_out
        self.b_in = self.b_out * self.a_in / self.a_out if b_in is None else b_in
        self.theta = theta

    def _outline(self) -> tuple[float, ...]:
        theta = float(self.theta.to_value(u.radian))
        return self.a_out, self.b_out, theta, self.a_in, self.b_in

    @property
    def area(self) -> float:
        """The area in pixels."""
        return float(math.pi * (self.a_out * self.b_out - self.a_in * self.b_in))

    def _patches(self, x: float, y: float, style: dict[str, Any]) -> Any:
        inner = _patch(x, y, self.a_in, self.b_in, self.theta, {})
        return ring(inner, _patch(x, y, self.a_out, self.b_out, self.theta, {}), style)

    def to_sky(self, wcs: Any) -> "SkyEllipticalAnnulus":
        """Return the aperture on the sky; see `EllipticalAperture.to_sky`.

        The outer ellipse is converted; the inner one keeps its proportions to it.
        """
        from skyshed.aperture import sky

        theta = self.theta.to_value(u.radian)
        a, b, angle = sky.axes_on_sky(wcs, self.positions, self.a_out, self.b_out, theta)
        a, b = a * u.arcsec, b * u.arcsec
        return SkyEllipticalAnnulus(
            sky.sky_positions(self, wcs), a * (self.a_in / self.a_out), a, b,
            b * (self.b_in / self.b_out), theta=angle,
        )  # fmt: skip


class SkyEllipticalAperture(SkyAperture):
    """Ellipses of one size and angle on the sky.

    Parameters
    ----------
    positions : `~astropy.coordinates.SkyCoord`, scalar or shape (n,)
        The centres.
    a, b : Quantity
        The semi-major and the semi-minor axis, angles.
    theta : Quantity, optional
        The angle of ``a`` from north towards east, in the frame of ``positions``.

    Raises
    ------
    TypeError
        If a size or ``theta`` is no Quantity, or ``positions`` no SkyCoord.
    ValueError
        If a size is not positive, or no angle.
    """

    _params = ("positions", "a", "b", "theta")
    positions = SkyPositions("The centres on the sky.")
    a = PositiveAngle("The semi-major axis, an angle.")
    b = PositiveAngle("The semi-minor axis, an angle.")
    theta = Angle("The angle of ``a`` from north towards east.", plain=False)

    def __init__(self, positions: Any, a: Any, b: Any, theta: Any = 0.0 * u.deg) -> None:
        self.positions = positions
        self.a = a
        self.b = b
        self.theta = theta

    def to_pixel(self, wcs: Any) -> EllipticalAperture:
        """Return the aperture in pixels, scaled and turned as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        """
        from skyshed.aperture import sky

        positions, theta = sky.pixel_positions(self, wcs), self.theta.to_value(u.radian)
        a, b = self.a.to_value(u.arcsec), self.b.to_value(u.arcsec)
        first = self.positions if self.isscalar else self.positions[0]
        a, b, angle = sky.axes_in_pixels(wcs, positions, a, b, theta, first)
        return EllipticalAperture(positions, a, b, theta=angle)


class SkyEllipticalAnnulus(SkyAperture):
    """What is between two ellipses of one angle on the sky.

    Parameters
    ----------
    positions : `~astropy.coordinates.SkyCoord`, scalar or shape (n,)
        The centres.
    a_in, a_out, b_out : Quantity
        The semi-major and the semi-minor axis, inner and outer, angles.
    b_in : Quantity, optional
        ``b_out * a_in / a_out`` if `None`.
    theta : Quantity, optional
        The angle of ``a`` from north towards east, in the frame of ``positions``.

    Raises
    ------
    TypeError
        If a size or ``theta`` is no Quantity, or ``positions`` no SkyCoord.
    ValueError
        If a size is not positive, or no angle, or an inner one not smaller than its outer one.
    """

    _params = ("positions", "a_in", "a_out", "b_in", "b_out", "theta")
    ordered = (("a_in", "a_out"), ("b_in", "b_out"))
    positions = SkyPositions("The centres on the sky.")
    a_in = PositiveAngle("The semi-major axis, inner, an angle.")
    a_out = PositiveAngle("The semi-major axis, outer, an angle.")
    b_in = PositiveAngle("The semi-minor axis, inner, an angle.")
    b_out = PositiveAngle("The semi-minor axis, outer, an angle.")
    theta = Angle("The angle of ``a`` from north towards east.", plain=False)

    def __init__(
        self,
        positions: Any,
        a_in: Any,
        a_out: Any,
        b_out: Any,
        b_in: Any = None,
        theta: Any = 0.0 * u.deg,
    ) -> None:
        self.positions = positions
        self.a_in = a_in
        self.a_out = a_out
        self.b_out = b_out
        self.b_in = self.b_out * self.a_in / self.a_out if b_in is None else b_in
        self.theta = theta

    def to_pixel(self, wcs: Any) -> EllipticalAnnulus:
        """Return the aperture in pixels; see `SkyEllipticalAperture.to_pixel`.

        The outer ellipse is converted; the inner one keeps its proportions to it.
        """
        from skyshed.aperture import sky

        positions, theta = sky.pixel_positions(self, wcs), self.theta.to_value(u.radian)
        a, b = self.a_out.to_value(u.arcsec), self.b_out.to_value(u.arcsec)
        first = self.positions if self.isscalar else self.positions[0]
        a, b, angle = sky.axes_in_pixels(wcs, positions, a, b, theta, first)
        inner_a = a * float(self.a_in / self.a_out)
        inner_b = b * float(self.b_in / self.b_out)
        return EllipticalAnnulus(positions, inner_a, a, b, inner_b, theta=angle)


def _patch(x: float, y: float, a: float, b: float, theta: Any, style: dict[str, Any]) -> Any:
    from matplotlib.patches import Ellipse

    return Ellipse((x, y), 2 * a, 2 * b, angle=theta.to_value(u.deg), **style)
