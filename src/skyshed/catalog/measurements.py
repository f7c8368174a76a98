"""All families of measurements: importing this module fills the registry."""

from skyshed.catalog import (  # noqa: F401
    background,
    boxes,
    centroid_errors,
    centroids,
    flags,
    isophotal,
    kron,
    local_background,
    quadratic,
    radii,
    shape,
    sky,
    windowed,
)
