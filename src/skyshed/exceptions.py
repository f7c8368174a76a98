"""Warnings and errors of skyshed, named as in photutils."""

from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning

__all__ = [
    "CrowdedWarning",
    "DeblendWarning",
    "ImageWarning",
    "NoDetectionsWarning",
    "TileError",
    "WorkspaceError",
]


class NoDetectionsWarning(AstropyWarning):
    """No source was detected."""


class DeblendWarning(AstropyUserWarning):
    """The deblending mode of a source was changed, or a source could not be deblended."""


class TileError(RuntimeError):
    """A tile could not be finished; the message says which, in what phase, and why."""


class WorkspaceError(ValueError):
    """A workspace belongs to another run, is in use, or is damaged."""


class CrowdedWarning(UserWarning):
    """The background could only be measured in boxes that are full of sources."""


class ImageWarning(UserWarning):
    """Something that an image says about itself could not be used."""
