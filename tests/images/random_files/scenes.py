"""Requests that are not about the structure of a file: backgrounds, names, objects, a given WCS."""

import gzip
import io
import re
import warnings

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty
from astropy.utils.masked import Masked
from astropy.wcs import WCS

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import open_exposure
from tests.images.random_files.check import Verdict, apart
from tests.images.random_files.files import empty_primary
from tests.images.random_files.pixels import draw_field
from tests.images.random_files.raw import hdu_bytes, plain_hdu
from tests.images.random_files.sky import sound_sky

__all__ = ["SCENES", "SETTINGS", "answer", "must"]

SETTINGS = {"n_threads": 1, "box_size": 16}


def answer(call):
    """Return what a call returns, or the verdict of its refusal; and its warnings."""
    verdict, found = Verdict(), None
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            found = call()
        except (ValueError, TypeError, OSError) as error:
            verdict.refused = str(error)
        except Exception as error:
            verdict.wrong.append(f"{type(error).__name__}: {error}")
    verdict.warned = [str(w.message) for w in heard if issubclass(w.category, ImageWarning)]
    return found, verdict


def must(verdict, words, where):
    """Note where no message has some words."""
    texts = [verdict.refused] if where == "refused" else verdict.warned
    if not any(re.search(words, text) for text in texts):
        verdict.wrong.append(f"not {where}: {words}; {verdict.refused or verdict.warned}")
    return verdict


def without_noise(rng, folder):
    """Photons, steps that are coarser than the noise, or no exposure: no noise is measured."""
    way = rng.integers(3)
    if way == 0:
        image = rng.poisson(0.02, (96, 96)).astype("f4")
        image[40:43, 50:53] += 20
    elif way == 1:
        image = np.round(rng.normal(100, 0.05, (96, 96))).astype("i2")
        image[40:43, 50:53] += 20
    else:
        image = np.zeros((96, 96), "f4")
        image[:, :40] = rng.normal(10, 1, (96, 40))
        image[40:43, 20:23] += 50
    (folder / "image.fits").write_bytes(plain_hdu(image, [], True))
    _, verdict = answer(lambda: extract(folder / "image.fits", **SETTINGS))
    return {"G"}, must(verdict, "noise", "warned")


def crowded_names(rng, folder):
    """Neighbours in pixels that are much smaller than the cells that names stand for."""
    sky = sound_sky(rng, (96, 96), scale=10 ** rng.uniform(-6.5, -5))
    image = rng.normal(10, 1, (96, 96))
    y, x = np.mgrid[:96, :96]
    for at in range(8, 90, 9):
        for row in (20, 60):
            image += 80 * np.exp(-((x - at) ** 2 + (y - row) ** 2) / 3)
    (folder / "image.fits").write_bytes(plain_hdu(image.astype("f4"), sky.cards, True))
    found, verdict = answer(lambda: extract(folder / "image.fits", **SETTINGS))
    names = list(found.table["name"])
    if len(set(names)) < len(names) or len(names) < 15:
        verdict.wrong.append(f"{len(names)} sources have {len(set(names))} names")
    return {"J"}, verdict


def in_memory(rng, folder):
    """Objects that hold an image, its mask, unit and error."""
    image = draw_field(rng, (40, 44)).astype("f4")
    mask = rng.random(image.shape) < 0.05
    error = rng.uniform(1, 2, image.shape)
    given, unit, true_mask, true_error = {
        "Masked": lambda: (Masked(image, mask), None, mask, None),
        "Masked Quantity": lambda: (Masked(image << u.Jy, mask), u.Jy, mask, None),
        "numpy.ma": lambda: (np.ma.MaskedArray(image, mask), None, mask, None),
        "Quantity": lambda: (image << u.mJy, u.mJy, ~mask & False, None),
        "NDData of a plane": lambda: (
            NDData(image[None], mask=mask[None], uncertainty=StdDevUncertainty(error[None])),
            None, mask, error,
        ),
        "CCDData": lambda: (CCDData(image, unit="adu", mask=mask), u.adu, mask, None),
        "numbers": lambda: (image.tolist(), None, ~mask & False, None),
    }[str(rng.choice(["Masked", "Masked Quantity", "numpy.ma", "Quantity", "NDData of a plane",
                      "CCDData", "numbers"]))]()  # fmt: skip
    exposure, verdict = answer(lambda: open_exposure(given))
    planes = exposure.read()
    found = np.zeros(image.shape, bool) if planes.mask is None else planes.mask
    if not np.array_equal(found, true_mask) or exposure.unit != unit:
        verdict.wrong.append(f"mask or unit of a {type(given).__name__} are lost")
    if not np.allclose(planes.data, image, rtol=1e-6):
        verdict.wrong.append("the pixels differ")
    if true_error is not None and not np.allclose(planes.error, true_error):
        verdict.wrong.append("the error differs")
    return {"L"}, verdict


def not_an_image(rng, folder):
    """Open files, bytes, and files whose end is gone."""
    content = plain_hdu(draw_field(rng, (40, 44)).astype("f4"), [], True)
    path = folder / "image.fits"
    path.write_bytes(content)
    packed = gzip.compress(content)
    ways = {
        "BytesIO": (io.BytesIO(content), "must be a path or an array"),
        "bytes": (content, "must be a path or an array"),
        "a header alone": (content[:2880], "cannot be read|cut off"),
        "half a gzip": (packed[: len(packed) // 2], "cannot be read|cut off"),
        "text": (b"hello", "cannot be read"),
        "nothing": (b"", "cannot be read|holds no image"),
    }
    name = str(rng.choice(list(ways)))
    given, words = ways[name]
    if name not in ("BytesIO", "bytes"):
        path.write_bytes(given)
        given = path
    _, verdict = answer(lambda: open_exposure(given).read())
    return {"L"}, must(verdict, words, "refused")


def null_plane(rng, folder):
    """A plane of HST that is one number: it is that number everywhere, or refused."""
    image = draw_field(rng, (40, 44)).astype("f4")
    cards = [("BITPIX", 16), ("NAXIS", 0), ("PCOUNT", 0), ("GCOUNT", 1), ("NPIX1", 44),
             ("NPIX2", 40), ("PIXVALUE", 2), ("EXTNAME", "ERR")]  # fmt: skip
    path = folder / "image.fits"
    path.write_bytes(
        empty_primary().make(True)
        + plain_hdu(image, [("EXTNAME", "SCI")], False)
        + hdu_bytes(cards, b"", False)
    )
    planes, verdict = answer(lambda: open_exposure(f"{path}[SCI]", error=f"{path}[ERR]").read())
    if planes is not None and not (np.asarray(planes.error) == 2).all():
        verdict.wrong.append("a null plane has another value")
    return {"L"}, verdict


def given_wcs(rng, folder):
    """A WCS that is given: as a header or an object, with more axes, or not on the sky."""
    image = draw_field(rng, (40, 44)).astype("f4")
    sky = sound_sky(rng, image.shape)
    header = fits.Header([(n, float(v) if isinstance(v, np.floating) else v) for n, v in sky.cards])
    way = str(rng.choice(["header", "WCS", "three axes", "solar", "linear", "none"]))
    if way == "three axes":
        header.update({"CTYPE3": "FREQ", "CRVAL3": 1e9, "CRPIX3": 1.0, "CD3_3": 1e6})
        if "CD1_1" not in header:
            header["CDELT3"] = header.pop("CD3_3")
    if way == "solar":
        header["CTYPE1"], header["CTYPE2"] = "HPLN-TAN", "HPLT-TAN"
    wcs = {"header": header, "none": 7, "linear": WCS(naxis=2)}.get(way)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(header) if wcs is None else wcs
    exposure, verdict = answer(lambda: open_exposure(image, wcs=wcs))
    if way in ("solar", "linear", "none"):
        return {"F"}, must(verdict, "wcs must be", "refused")
    if verdict.refused:
        verdict.wrong.append(f"refused what is sound: {verdict.refused}")
        return {"F"}, verdict
    x, y = np.array([0.0, 30.0]), np.array([5.0, 39.0])
    verdict.wrong += apart(sky, exposure.wcs.pixel_to_world(x, y), x, y)
    return {"F"}, verdict


#: What is drawn in place of the structure of a file.
SCENES = (without_noise, crowded_names, in_memory, not_an_image, null_plane, given_wcs)
