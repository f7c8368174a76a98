"""Warnings and errors of skyshed, named as in photutils."""

from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning

__all__ = ["DeblendWarning", "NoDetectionsWarning", "TileError"]


class NoDetectionsWarning(AstropyWarning):
    """No source was detected."""


class DeblendWarning(AstropyUserWarning):
    """The deblending mode of a source was changed, or a source could not be deblended."""


class TileError(RuntimeError):
    """A tile could not be finished; the message says which, in what phase, and why."""
