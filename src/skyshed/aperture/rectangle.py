"""Rectangles and their annuli."""

from typing import Any, ClassVar

from astropy import units as u

from skyshed.aperture.attributes import Angle, Length, PixelPositions, PositiveAngle, SkyPositions
from skyshed.aperture.base import PixelAperture, SkyAperture
from skyshed.aperture.drawing import ring
from skyshed.kernels import shapes

__all__ = [
    "RectangularAnnulus",
    "RectangularAperture",
    "SkyRectangularAnnulus",
    "SkyRectangularAperture",
]


class RectangularAperture(PixelAperture):
    """Rectangles of one size and angle.

    Parameters
    ----------
    positions : array_like, shape (2,) or (n, 2)
        The centre ``(x, y)`` in pixels, or a list of centres.
    w, h : float
        The full width and the full height in pixels, positive.
    theta : float or Quantity, optional
        The angle of ``w`` from the x axis towards y: radians, or an angle with a unit.

    Raises
    ------
    ValueError
        If a size is not positive, or a position not finite.

    Examples
    --------
    >>> from skyshed.aperture import RectangularAperture
    >>> RectangularAperture((10.0, 20.0), 5.0, 3.0, theta=0.5)
    <RectangularAperture([10., 20.], w=5.0, h=3.0, theta=0.5 rad)>
    """

    _params = ("positions", "w", "h", "theta")
    family: ClassVar[int] = shapes.RECTANGLE
    positions = PixelPositions("The centres in pixels.")
    w = Length("The full width in pixels.")
    h = Length("The full height in pixels.")
    theta = Angle("The angle of ``w`` from the x axis towards y.")

    def __init__(self, positions: Any, w: float, h: float, theta: Any = 0.0) -> None:
        self.positions = positions
        self.w = w
        self.h = h
        self.theta = theta

    def _outline(self) -> tuple[float, ...]:
        theta = float(self.theta.to_value(u.radian))
        return self.w / 2, self.h / 2, theta, 0.0, 0.0

    @property
    def area(self) -> float:
        """The area in pixels."""
        return float(self.w * self.h)

    def _patches(self, x: float, y: float, style: dict[str, Any]) -> Any:
        return _patch(x, y, self.w, self.h, self.theta, style)

    def to_sky(self, wcs: Any) -> "SkyRectangularAperture":
        """Return the aperture on the sky, scaled and turned as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        """
        from skyshed.aperture import sky

        theta = self.theta.to_value(u.radian)
        w, h, angle = sky.axes_on_sky(wcs, self.positions, self.w, self.h, theta)
        positions = sky.sky_positions(self, wcs)
        return SkyRectangularAperture(positions, w * u.arcsec, h * u.arcsec, theta=angle)


class RectangularAnnulus(PixelAperture):
    """What is between two rectangles of one angle.

    Parameters
    ----------
    positions : array_like, shape (2,) or (n, 2)
        The centre ``(x, y)`` in pixels, or a list of centres.
    w_in, w_out : float
        The full width, inner and outer, in pixels; the outer one is the larger one.
    h_out : float
        The full height, outer, in pixels.
    h_in : float, optional
        The full height, inner; ``h_out * w_in / w_out`` if `None`.
    theta : float or Quantity, optional
        The angle of ``w`` from the x axis towards y: radians, or an angle with a unit.

    Raises
    ------
    ValueError
        If a size is not positive, an inner one not smaller than its outer one, or a position not
        finite.

    Examples
    --------
    >>> from skyshed.aperture import RectangularAnnulus
    >>> RectangularAnnulus((10.0, 20.0), 3.0, 8.0, 5.0).h_in
    1.875
    """

    _params = ("positions", "w_in", "w_out", "h_in", "h_out", "theta")
    ordered = (("w_in", "w_out"), ("h_in", "h_out"))
    family: ClassVar[int] = shapes.RECTANGLE
    positions = PixelPositions("The centres in pixels.")
    w_in = Length("The full width, inner, in pixels.")
    w_out = Length("The full width, outer, in pixels.")
    h_in = Length("The full height, inner, in pixels.")
    h_out = Length("The full height, outer, in pixels.")
    theta = Angle("The angle of ``w`` from the x axis towards y.")

    def __init__(
        self,
        positions: Any,
        w_in: float,
        w_out: float,
        h_out: float,
        h_in: float | None = None,
        theta: Any = 0.0,
    ) -> None:
        self.positions = positions
        self.w_in = w_in
        self.w_out = w_out
        self.h_out = h_out
        self.h_in = self.h_out * self.w_in / self.w_out if h_in is None else h_in
        self.theta = theta

    def _outline(self) -> tuple[float, ...]:
        theta = float(self.theta.to_value(u.radian))
        return self.w_out / 2, self.h_out / 2, theta, self.w_in / 2, self.h_in / 2

    @property
    def area(self) -> float:
        """The area in pixels."""
        return float(self.w_out * self.h_out - self.w_in * self.h_in)

    def _patches(self, x: float, y: float, style: dict[str, Any]) -> Any:
        inner = _patch(x, y, self.w_in, self.h_in, self.theta, {})
        return ring(inner, _patch(x, y, self.w_out, self.h_out, self.theta, {}), style)

    def to_sky(self, wcs: Any) -> "SkyRectangularAnnulus":
        """Return the aperture on the sky; see `RectangularAperture.to_sky`.

        The outer rectangle is converted; the inner one keeps its proportions to it.
        """
        from skyshed.aperture import sky

        theta = self.theta.to_value(u.radian)
        w, h, angle = sky.axes_on_sky(wcs, self.positions, self.w_out, self.h_out, theta)
        w, h = w * u.arcsec, h * u.arcsec
        return SkyRectangularAnnulus(
            sky.sky_positions(self, wcs), w * (self.w_in / self.w_out), w, h,
            h * (self.h_in / self.h_out), theta=angle,
        )  # fmt: skip


class SkyRectangularAperture(SkyAperture):
    """Rectangles of one size and angle on the sky.

    Parameters
    ----------
    positions : `~astropy.coordinates.SkyCoord`, scalar or shape (n,)
        The centres.
    w, h : Quantity
        The full width and the full height, angles.
    theta : Quantity, optional
        The angle of ``w`` from north towards east, in the frame of ``positions``.

    Raises
    ------
    TypeError
        If a size or ``theta`` is no Quantity, or ``positions`` no SkyCoord.
    ValueError
        If a size is not positive, or no angle.
    """

    _params = ("positions", "w", "h", "theta")
    positions = SkyPositions("The centres on the sky.")
    w = PositiveAngle("The full width, an angle.")
    h = PositiveAngle("The full height, an angle.")
    theta = Angle("The angle of ``w`` from north towards east.", plain=False)

    def __init__(self, positions: Any, w: Any, h: Any, theta: Any = 0.0 * u.deg) -> None:
        self.positions = positions
        self.w = w
        self.h = h
        self.theta = theta

    def to_pixel(self, wcs: Any) -> RectangularAperture:
        """Return the aperture in pixels, scaled and turned as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        """
        from skyshed.aperture import sky

        positions, theta = sky.pixel_positions(self, wcs), self.theta.to_value(u.radian)
        w, h = self.w.to_value(u.arcsec), self.h.to_value(u.arcsec)
        first = self.positions if self.isscalar else self.positions[0]
        w, h, angle = sky.axes_in_pixels(wcs, positions, w, h, theta, first)
        return RectangularAperture(positions, w, h, theta=angle)


class SkyRectangularAnnulus(SkyAperture):
    """What is between two rectangles of one angle on the sky.

    Parameters
    ----------
    positions : `~astropy.coordinates.SkyCoord`, scalar or shape (n,)
        The centres.
    w_in, w_out, h_out : Quantity
        The full width and the full height, inner and outer, angles.
    h_in : Quantity, optional
        ``h_out * w_in / w_out`` if `None`.
    theta : Quantity, optional
        The angle of ``w`` from north towards east, in the frame of ``positions``.

    Raises
    ------
    TypeError
        If a size or ``theta`` is no Quantity, or ``positions`` no SkyCoord.
    ValueError
        If a size is not positive, or no angle, or an inner one not smaller than its outer one.
    """

    _params = ("positions", "w_in", "w_out", "h_in", "h_out", "theta")
    ordered = (("w_in", "w_out"), ("h_in", "h_out"))
    positions = SkyPositions("The centres on the sky.")
    w_in = PositiveAngle("The full width, inner, an angle.")
    w_out = PositiveAngle("The full width, outer, an angle.")
    h_in = PositiveAngle("The full height, inner, an angle.")
    h_out = PositiveAngle("The full height, outer, an angle.")
    theta = Angle("The angle of ``w`` from north towards east.", plain=False)

    def __init__(
        self,
        positions: Any,
        w_in: Any,
        w_out: Any,
        h_out: Any,
        h_in: Any = None,
        theta: Any = 0.0 * u.deg,
    ) -> None:
        self.positions = positions
        self.w_in = w_in
        self.w_out = w_out
        self.h_out = h_out
        self.h_in = self.h_out * self.w_in / self.w_out if h_in is None else h_in
        self.theta = theta

    def to_pixel(self, wcs: Any) -> RectangularAnnulus:
        """Return the aperture in pixels; see `SkyRectangularAperture.to_pixel`.

        The outer rectangle is converted; the inner one keeps its proportions to it.
        """
        from skyshed.aperture import sky

        positions, theta = sky.pixel_positions(self, wcs), self.theta.to_value(u.radian)
        w, h = self.w_out.to_value(u.arcsec), self.h_out.to_value(u.arcsec)
        first = self.positions if self.isscalar else self.positions[0]
        w, h, angle = sky.axes_in_pixels(wcs, positions, w, h, theta, first)
        inner_w = w * float(self.w_in / self.w_out)
        inner_h = h * float(self.h_in / self.h_out)
        return RectangularAnnulus(positions, inner_w, w, h, inner_h, theta=angle)


def _patch(x: float, y: float, w: float, h: float, theta: Any, style: dict[str, Any]) -> Any:
    from matplotlib.patches import Rectangle

    corner, angle = (x - w / 2, y - h / 2), theta.to_value(u.deg)
    return Rectangle(corner, w, h, angle=angle, rotation_point="center", **style)
