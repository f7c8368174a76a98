"""Exposures of a survey, as files: fields of stars beside each other on the sky."""

import contextlib
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

SHAPE = 96, 128
#: Degrees of a pixel, and between the middles of fields: neighbours overlap.
SCALE, APART = 1e-4, 0.008


def a_field(number: int, unit: str = "", n_stars: int = 15) -> fits.PrimaryHDU:
    """Return a field of stars, with a WCS."""
    rng = np.random.default_rng(number)
    image = rng.normal(50, 2, SHAPE)
    y, x = np.indices(SHAPE)
    for place in range(n_stars):  # apart, so that each is alone
        cy, cx = np.array(divmod(place, 5)) * 25 + 13 + rng.uniform(-4, 4, 2)
        peak = rng.uniform(50, 900)
        image += peak * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 1.6**2))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cdelt, wcs.wcs.crpix = [-SCALE, SCALE], [SHAPE[1] / 2, SHAPE[0] / 2]
    # Around a corner of pixels of the sky, so that there are several partitions.
    wcs.wcs.crval = [45 + APART * (number % 4), APART * (number // 4)]
    header = wcs.to_header()
    if unit:
        header["BUNIT"] = unit
    return fits.PrimaryHDU(image.astype(np.float32), header)


def make_fields(folder: Path, n: int) -> list[str]:
    """Write so many fields; return their paths."""
    paths = [folder / f"field{number}.fits" for number in range(n)]
    for number, path in enumerate(paths):
        a_field(number).writeto(path)
    return [str(path) for path in paths]


@contextlib.contextmanager
def a_cluster():
    """Give a client of a Dask cluster that is threads of this process."""
    from distributed import Client, LocalCluster

    options = {"processes": False, "dashboard_address": None, "protocol": "inproc"}
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, **options) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
