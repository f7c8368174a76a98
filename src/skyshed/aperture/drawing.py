"""Rings for matplotlib."""

from typing import Any

import numpy as np

__all__ = ["ring"]


def ring(inner: Any, outer: Any, style: dict[str, Any]) -> Any:
    """Return the patch between the outlines of two patches."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    paths = [patch.get_transform().transform_path(patch.get_path()) for patch in (outer, inner)]
    # The inner outline runs the other way round, so that it is a hole.
    hole = paths[1].vertices[:-1][::-1]
    vertices = np.vstack((paths[0].vertices, hole, hole[-1:]))
    return PathPatch(Path(vertices, np.hstack([path.codes for path in paths])), **style)
