"""A pytest plugin: reference files made up here, in place of those that CRDS would send.

CRDS is the server of the Roman and JWST pipelines. Roman's catalogs get a Gaussian point spread
function and an exponential curve of growth; JWST's measure in the apertures that they have without
reference files. Tests that need the true files fail, on photutils as on skyshed.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Read when crds and stpipe are imported: no server, and no parameters from one.
os.environ["CRDS_SERVER_URL"] = "https://localhost:1"
os.environ["STPIPE_DISABLE_CRDS_STEPPARS"] = "true"

FILTERS = (
    "F062", "F087", "F106", "F129", "F146", "F158", "F184", "F213", "GRISM", "PRISM", "DARK",
)  # fmt: skip
#: Pixels of the point spread function's grid to a pixel of the detector, and along its sides.
OVERSAMPLE, SIDE = 4, 361
#: Its standard deviation in pixels of the detector; the scale of the curve of growth.
SIGMA, SCALE = 0.51, 1.2
#: Where on the detector it is known: the middle, and four pixels from the edges.
POSITIONS = (4.0, 2044.0, 4092.0)


def make_epsf(model: Any) -> None:
    """Fill a model of the effective point spread function: one Gaussian at all positions."""
    offset = np.arange(SIDE) - SIDE // 2
    profile = np.exp(-0.5 * (offset / (OVERSAMPLE * SIGMA)) ** 2)
    image = np.outer(profile, profile)
    image *= OVERSAMPLE**2 / image.sum()
    n = len(POSITIONS)
    model.meta.pixel_x = list(POSITIONS) * n
    model.meta.pixel_y = [y for y in POSITIONS for _ in range(n)]
    model.meta["oversample"] = OVERSAMPLE
    model.meta["jitter_major"] = model.meta["jitter_minor"] = 8.0
    model.meta["jitter_position_angle"] = 0.0
    defocus, spectra = [0, 1, 2], ["A0V", "G2V", "M5V"]
    model.meta["defocus"], model.meta["spectral_type"] = defocus, spectra
    shape = (len(defocus), len(spectra), n * n, SIDE, SIDE)
    model.psf = np.broadcast_to(image.astype(np.float32), shape).copy()


def make_apcorr(model: Any) -> None:
    """Fill a model of aperture corrections: the same curve of growth for all filters."""
    radii = np.linspace(0.1, 60.0, 200)
    for name in FILTERS:
        model.data[name] = {
            "ap_corrections": np.ones(10),
            "ee_radii": radii,
            "ee_fractions": 1 - np.exp(-radii / SCALE),
            "sky_background_rin": 2.4,
            "sky_background_rout": 2.8,
        }


def made_in(folder: Path) -> dict[str, str]:
    """Make Roman's files in a folder, where its package is installed; return paths by kind."""
    try:
        import roman_datamodels.datamodels as models
    except ImportError:
        return {}
    made = {}
    for kind, model, fill in (
        ("epsf", models.EpsfRefModel, make_epsf),
        ("apcorr", models.ApcorrRefModel, make_apcorr),
    ):
        path = folder / f"{kind}.asdf"
        content = model.create_fake_data()
        fill(content)
        content.save(str(path))
        made[kind] = str(path)
    return made


@pytest.fixture(scope="session", autouse=True)
def reference_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Answer all questions for reference files by those made here, or by "there is none"."""
    import crds
    from stpipe import crds_client

    made = made_in(tmp_path_factory.mktemp("references"))

    def one(parameters: Any, kind: str, observatory: str) -> str:
        return made.get(kind, "N/A")

    def several(parameters: Any, kinds: Any, observatory: str) -> dict[str, str]:
        return {kind: made.get(kind, "N/A") for kind in kinds}

    def best(parameters: Any, reftypes: Any = None, **_: Any) -> dict[str, str]:
        if not reftypes or not set(reftypes) <= set(made):
            raise RuntimeError(f"no reference files for {reftypes} are made here")
        return {kind: made[kind] for kind in reftypes}

    crds_client.get_reference_file = one
    crds_client.get_multiple_reference_paths = several
    crds_client.get_context_used = lambda observatory: "none.pmap"
    crds.getreferences = best
    _for_roman(best)
    _for_jwst()


def _for_roman(best: Any) -> None:
    try:
        import romancal.source_catalog._source_catalog as catalog
        from romancal.skycell import skymap
    except ImportError:
        return

    def no_sky_cells(*args: Any, **kwargs: Any) -> None:
        raise KeyError("no sky cells are made here")

    catalog.getreferences = best
    skymap.SkyCells.from_names = staticmethod(no_sky_cells)


def _for_jwst() -> None:
    try:
        from jwst.source_catalog.source_catalog_step import SourceCatalogStep
    except ImportError:
        return
    SourceCatalogStep._get_reffile_paths = lambda self, model: [None, None]
