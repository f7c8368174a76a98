"""The attributes of apertures, which check what they are set to."""

from typing import Any

import numpy as np
from astropy import units as u

__all__ = ["Angle", "Attribute", "Length", "PixelPositions", "PositiveAngle", "SkyPositions"]


class Attribute:
    """An attribute whose values are checked by its class's `check`.

    Parameters
    ----------
    doc : str
        What it is.
    """

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        try:
            return vars(instance)[self.name]
        except KeyError:
            kind = type(instance).__name__
            raise AttributeError(f"{kind!r} object has no attribute {self.name!r}") from None

    def __set__(self, instance: Any, value: Any) -> None:
        value = self.check(value)
        for inner, outer in instance.ordered:
            if self.name in (inner, outer):
                known = {**vars(instance), self.name: value}
                if inner in known and outer in known and not known[outer] > known[inner]:
                    raise ValueError(
                        f"{outer!r} must be greater than {inner!r}: got {known[outer]} and "
                        f"{known[inner]}"
                    )
        vars(instance)[self.name] = value

    def __delete__(self, instance: Any) -> None:
        del vars(instance)[self.name]

    def check(self, value: Any) -> Any:
        """Return what is kept of a value.

        Raises
        ------
        TypeError, ValueError
            If it is not allowed.
        """
        raise NotImplementedError


class PixelPositions(Attribute):
    """One position ``(x, y)`` in pixels, or an array of them: float64, shape (2,) or (n, 2)."""

    def check(self, value: Any) -> Any:
        """Return an array of float64."""
        if isinstance(value, zip):
            value = tuple(value)
        parts = value if isinstance(value, (tuple, list)) else (value,)
        if any(isinstance(part, u.Quantity) for part in parts) or any(
            isinstance(one, u.Quantity)
            for part in parts
            if isinstance(part, (tuple, list))
            for one in part
        ):
            raise TypeError(f"{self.name!r} must not be a Quantity: give pixels without a unit")
        value = np.array(value, float)
        if not np.isfinite(value).all():
            raise ValueError(
                f"{self.name!r} must not contain any nonfinite (e.g., NaN or inf) positions: "
                "leave them out"
            )
        if value.ndim not in (1, 2) or value.shape[-1] != 2:
            raise ValueError(
                f"{self.name!r} must be a (x, y) pixel position or a list or array of (x, y) pixel "
                f"positions, shape (2,) or (n, 2); got shape {value.shape}"
            )
        return value


class SkyPositions(Attribute):
    """A `~astropy.coordinates.SkyCoord`, scalar or of shape (n,)."""

    def check(self, value: Any) -> Any:
        """Return it."""
        from astropy.coordinates import SkyCoord

        if not isinstance(value, SkyCoord):
            raise TypeError(f"{self.name!r} must be a SkyCoord instance, got {value!r}")
        return value


class Length(Attribute):
    """A positive number of pixels."""

    def check(self, value: Any) -> Any:
        """Return a float."""
        message = f"{self.name!r} must be a positive scalar, got {value!r}"
        if isinstance(value, u.Quantity) or not np.isscalar(value):
            raise ValueError(message)
        if isinstance(value, (str, bytes, complex)):
            raise TypeError(message)
        number = float(value)
        if not number > 0:  # NaN is not
            raise ValueError(message)
        return number


class _AnyAngle(Attribute):
    def angle(self, value: Any) -> Any:
        """Return a Quantity that is an angle."""
        if not value.isscalar:
            raise ValueError(f"{self.name!r} must be a scalar, got shape {value.shape}")
        if value.unit.physical_type != "angle":
            raise ValueError(f"{self.name!r} must have angular units, got {value.unit}")
        return value


class Angle(_AnyAngle):
    """An angle: a Quantity, or where ``plain`` radians as a number.

    Parameters
    ----------
    doc : str
        What it is.
    plain : bool, optional
        Whether numbers are taken.
    """

    def __init__(self, doc: str, *, plain: bool = True) -> None:
        super().__init__(doc)
        self.plain = plain

    def check(self, value: Any) -> Any:
        """Return a Quantity."""
        if isinstance(value, u.Quantity):
            return self.angle(value)
        if not self.plain:
            raise TypeError(f"{self.name!r} must be a scalar angle, a Quantity; got {value!r}")
        if not np.isscalar(value) or isinstance(value, (str, bytes, complex)):
            raise ValueError(
                f"If not an angle Quantity, {self.name!r} must be a scalar float in radians, "
                f"got {value!r}"
            )
        return value << u.radian


class PositiveAngle(_AnyAngle):
    """A positive angle, a Quantity."""

    def check(self, value: Any) -> Any:
        """Return it."""
        if not isinstance(value, u.Quantity):
            raise TypeError(f"{self.name!r} must be a scalar angle, a Quantity; got {value!r}")
        value = self.angle(value)
        if not value > 0:
            raise ValueError(f"{self.name!r} must be greater than zero, got {value}")
        return value
