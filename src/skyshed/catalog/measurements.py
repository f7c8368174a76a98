"""All families of measurements: importing this module fills the registry."""

from skyshed.catalog import (  # noqa: F401
    apertures,
    background,
    centroids,
    dilated,
    flags,
    growth,
    isophotal,
    kron,
    position_errors,
    positions,
    shape,
    sky,
    total,
)
