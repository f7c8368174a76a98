"""Ellipses and their annuli."""

import math
from typing import Any, ClassVar

from astropy import units as u

from skyshed.aperture.attributes import Angle, Length, PixelPositions, PositiveAngle, SkyPositions
from skyshed.aperture.tilted import SkyTiltedAperture, TiltedAperture
from skyshed.kernels import shapes

__all__ = [
    "EllipticalAnnulus",
    "EllipticalAperture",
    "SkyEllipticalAnnulus",
    "SkyEllipticalAperture",
]


class _Ellipse(TiltedAperture):
    family: ClassVar[int] = shapes.ELLIPSE
    unit_area: ClassVar[float] = math.pi
    half: ClassVar[float] = 1.0

    def _patch(self, x: float, y: float, sizes: tuple[float, float], style: dict[str, Any]) -> Any:
        from matplotlib.patches import Ellipse

        a, b = sizes
        return Ellipse((x, y), 2 * a, 2 * b, angle=self.theta.to_value(u.deg), **style)


class EllipticalAperture(_Ellipse):
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
    positions = PixelPositions("The centres in pixels.")
    a = Length("The semi-major axis in pixels.")
    b = Length("The semi-minor axis in pixels.")
    theta = Angle("The angle of ``a`` from the x axis towards y.")

    def __init__(self, positions: Any, a: float, b: float, theta: Any = 0.0) -> None:
        self._set(positions, a, b, theta)

    def to_sky(self, wcs: Any) -> "SkyEllipticalAperture":
        """Return the aperture on the sky, scaled and turned as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        """
        return SkyEllipticalAperture(**self._on_sky(wcs))


class EllipticalAnnulus(_Ellipse):
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
        self._set(positions, a_in, a_out, b_in, b_out, theta)

    def to_sky(self, wcs: Any) -> "SkyEllipticalAnnulus":
        """Return the aperture on the sky; see `EllipticalAperture.to_sky`.

        The outer ellipse is converted; the inner one keeps its proportions to it.
        """
        return SkyEllipticalAnnulus(**self._on_sky(wcs))


class SkyEllipticalAperture(SkyTiltedAperture):
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
        self._set(positions, a, b, theta)

    def to_pixel(self, wcs: Any) -> EllipticalAperture:
        """Return the aperture in pixels, scaled and turned as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        """
        return EllipticalAperture(**self._in_pixels(wcs))


class SkyEllipticalAnnulus(SkyTiltedAperture):
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
        self._set(positions, a_in, a_out, b_in, b_out, theta)

    def to_pixel(self, wcs: Any) -> EllipticalAnnulus:
        """Return the aperture in pixels; see `SkyEllipticalAperture.to_pixel`.

        The outer ellipse is converted; the inner one keeps its proportions to it.
        """
        return EllipticalAnnulus(**self._in_pixels(wcs))
