"""Warnings of what a file says about its image."""

import warnings

from skyshed.exceptions import ImageWarning
from skyshed.messages import find_stack_level

__all__ = ["warn_of_image"]


def warn_of_image(message: str) -> None:
    """Warn with an `ImageWarning` that points at the line that called skyshed."""
    warnings.warn(message, ImageWarning, stacklevel=find_stack_level())
