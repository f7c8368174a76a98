"""Rectangles and their annuli."""

from typing import Any, ClassVar

from astropy import units as u

from skyshed.aperture.attributes import Angle, Length, PixelPositions, PositiveAngle, SkyPositions
from skyshed.aperture.tilted import SkyTiltedAperture, TiltedAperture
from skyshed.kernels import shapes

__all__ = [
    "RectangularAnnulus",
    "RectangularAperture",
    "SkyRectangularAnnulus",
    "SkyRectangularAperture",
]


class _Rectangle(TiltedAperture):
    family: ClassVar[int] = shapes.RECTANGLE
    unit_area: ClassVar[float] = 1.0
    half: ClassVar[float] = 0.5

    def _patch(self, x: float, y: float, sizes: tuple[float, float], style: dict[str, Any]) -> Any:
        from matplotlib.patches import Rectangle

        (w, h), angle = sizes, self.theta.to_value(u.deg)
        corner = x - w / 2, y - h / 2
        return Rectangle(corner, w, h, angle=angle, rotation_point="center", **style)


class RectangularAperture(_Rectangle):
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
    positions = PixelPositions("The centres in pixels.")
    w = Length("The full width in pixels.")
    h = Length("The full height in pixels.")
    theta = Angle("The angle of ``w`` from the x axis towards y.")

    def __init__(self, positions: Any, w: float, h: float, theta: Any = 0.0) -> None:
        self._set(positions, w, h, theta)

    def to_sky(self, wcs: Any) -> "SkyRectangularAperture":
        """Return the aperture on the sky, scaled and turned as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        """
        return SkyRectangularAperture(**self._on_sky(wcs))


class RectangularAnnulus(_Rectangle):
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
        self._set(positions, w_in, w_out, h_in, h_out, theta)

    def to_sky(self, wcs: Any) -> "SkyRectangularAnnulus":
        """Return the aperture on the sky; see `RectangularAperture.to_sky`.

        The outer rectangle is converted; the inner one keeps its proportions to it.
        """
        return SkyRectangularAnnulus(**self._on_sky(wcs))


class SkyRectangularAperture(SkyTiltedAperture):
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
        self._set(positions, w, h, theta)

    def to_pixel(self, wcs: Any) -> RectangularAperture:
        """Return the aperture in pixels, scaled and turned as at the first position.

        Parameters
        ----------
        wcs : WCS
            Of astropy, gwcs, or another of astropy's shared interface.
        """
        return RectangularAperture(**self._in_pixels(wcs))


class SkyRectangularAnnulus(SkyTiltedAperture):
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
        self._set(positions, w_in, w_out, h_in, h_out, theta)

    def to_pixel(self, wcs: Any) -> RectangularAnnulus:
        """Return the aperture in pixels; see `SkyRectangularAperture.to_pixel`.

        The outer rectangle is converted; the inner one keeps its proportions to it.
        """
        return RectangularAnnulus(**self._in_pixels(wcs))
