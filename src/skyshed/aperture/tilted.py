"""What ellipses, rectangles and their annuli share: two axes and an angle.

Their parameters are the positions, the sizes along the first axis (inner and outer one, of an
annulus), those along the second one, and the angle of the first axis.
"""

from typing import Any, ClassVar

from astropy import units as u

from skyshed.aperture.base import Aperture, PixelAperture, SkyAperture
from skyshed.aperture.drawing import ring

__all__ = ["SkyTiltedAperture", "TiltedAperture"]


class _Tilted(Aperture):
    theta: Any

    @property
    def _is_annulus(self) -> bool:
        return bool(self.ordered)

    def _set(self, *values: Any) -> None:
        """Set the parameters, given in their order.

        The inner size along the second axis of an annulus may be `None`: it then has the proportion
        of the first axis.
        """
        given = dict(zip(self._params, values, strict=True))
        (first_in, first_out), (second_in, second_out) = self.ordered or (("", ""), ("", ""))
        proportional = self._is_annulus and given[second_in] is None
        for name, value in given.items():
            if not (proportional and name == second_in):
                setattr(self, name, value)
        if proportional:
            scaled = getattr(self, second_out) * getattr(self, first_in)
            setattr(self, second_in, scaled / getattr(self, first_out))

    @property
    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of the sizes along the first axis and along the second one, outer ones last."""
        names = self._params[1:-1]
        return names[: len(names) // 2], names[len(names) // 2 :]

    @property
    def _outer(self) -> tuple[Any, Any]:
        first, second = self._names
        return getattr(self, first[-1]), getattr(self, second[-1])

    @property
    def _inner(self) -> tuple[Any, Any]:
        """The sizes of the hole of an annulus."""
        first, second = self._names
        return getattr(self, first[0]), getattr(self, second[0])

    def _converted(self, positions: Any, outer: tuple[Any, Any], theta: Any) -> dict[str, Any]:
        """Return parameters by name; the hole of an annulus keeps its proportions."""
        given = {"positions": positions, "theta": theta}
        for names, size in zip(self._names, outer, strict=True):
            given[names[-1]] = size
            if self._is_annulus:
                proportion = getattr(self, names[0]) / getattr(self, names[-1])
                given[names[0]] = size * float(proportion)
        return given


class TiltedAperture(_Tilted, PixelAperture):
    """An aperture in pixels with two axes and an angle."""

    #: The area of the shape whose sizes are 1.
    unit_area: ClassVar[float]
    #: The part of a size that is the kernels' semi-axis.
    half: ClassVar[float]

    def _patch(self, x: float, y: float, sizes: tuple[float, float], style: dict[str, Any]) -> Any:
        """Return the patch of matplotlib for one outline."""
        raise NotImplementedError

    def _outline(self) -> tuple[float, ...]:
        a, b = self._outer
        inner_a, inner_b = self._inner if self._is_annulus else (0.0, 0.0)
        half, theta = self.half, float(self.theta.to_value(u.radian))
        return half * a, half * b, theta, half * inner_a, half * inner_b

    @property
    def area(self) -> float:
        """The area in pixels."""
        a, b = self._outer
        if not self._is_annulus:
            return float(self.unit_area * a * b)
        inner_a, inner_b = self._inner
        return float(self.unit_area * (a * b - inner_a * inner_b))

    def _patches(self, x: float, y: float, style: dict[str, Any]) -> Any:
        if not self._is_annulus:
            return self._patch(x, y, self._outer, style)
        inner, outer = (self._patch(x, y, sizes, {}) for sizes in (self._inner, self._outer))
        return ring(inner, outer, style)

    def _on_sky(self, wcs: Any) -> dict[str, Any]:
        """Return the parameters of the aperture on the sky; the outer outline is converted."""
        from skyshed.aperture import sky

        theta = self.theta.to_value(u.radian)
        a, b, angle = sky.axes_on_sky(wcs, self.positions, *self._outer, theta)
        return self._converted(sky.sky_positions(self, wcs), (a * u.arcsec, b * u.arcsec), angle)


class SkyTiltedAperture(_Tilted, SkyAperture):
    """An aperture on the sky with two axes and an angle."""

    def _in_pixels(self, wcs: Any) -> dict[str, Any]:
        """Return the parameters of the aperture in pixels; the outer outline is converted."""
        from skyshed.aperture import sky

        positions, theta = sky.pixel_positions(self, wcs), self.theta.to_value(u.radian)
        a, b = (size.to_value(u.arcsec) for size in self._outer)
        first = self.positions if self.isscalar else self.positions[0]
        a, b, angle = sky.axes_in_pixels(wcs, positions, a, b, theta, first)
        return self._converted(positions, (a, b), angle)
