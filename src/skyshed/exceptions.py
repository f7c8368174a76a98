"""All warnings and errors of skyshed; those that photutils has, too, are named as there.

Arguments that are wrong raise `ValueError` or `TypeError`, files that cannot be read `OSError`.
"""

from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning

__all__ = [
    "CrowdedWarning",
    "DeblendWarning",
    "ImageWarning",
    "NoDetectionsWarning",
    "TileError",
    "WorkspaceError",
]


class NoDetectionsWarning(AstropyWarning):  # type: ignore[misc]  # astropy has no types
    """No source was detected."""


class DeblendWarning(AstropyUserWarning):  # type: ignore[misc]
    """A source was deblended with a mode other than the one requested."""


class CrowdedWarning(UserWarning):
    """The background could only be measured in boxes that are full of sources."""


class ImageWarning(UserWarning):
    """What an image says about itself could not be used, or its numbers are doubtful."""


class TileError(RuntimeError):
    """A tile of a mosaic could not be finished; the message says which, in what phase, and why."""


class WorkspaceError(ValueError):
    """A workspace belongs to another run, is in use, or is damaged."""
