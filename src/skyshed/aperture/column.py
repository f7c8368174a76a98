"""Properties with a value for each position of an aperture."""

from typing import Any

__all__ = ["Column"]


class Column:
    """A property with a value for each position: computed once, a scalar for a scalar aperture.

    Parameters
    ----------
    function : callable
        Returns the values of all n positions.
    """

    def __init__(self, function: Any) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        values = instance._array(self.name)
        return values[0] if instance.isscalar else values

    def all(self, instance: Any) -> Any:
        """Return the values of all positions."""
        kept = instance._values
        if self.name not in kept:
            kept[self.name] = self.function(instance)
        return kept[self.name]
