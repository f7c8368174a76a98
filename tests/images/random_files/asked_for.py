"""What was missing and asked for: flux densities, names of bits, planes of cubes, maps, damage."""

import gzip

import numpy as np
from astropy.io import fits

from skyshed import extract
from skyshed.images import open_exposure
from tests.images.random_files.check import apart
from tests.images.random_files.files import empty_primary
from tests.images.random_files.pixels import draw_field
from tests.images.random_files.raw import plain_hdu
from tests.images.random_files.scenes import SETTINGS, answer, must
from tests.images.random_files.sky import sound_sky

__all__ = ["SCENES"]

#: uJy of an AB magnitude of 0, by which 1 uJy is of 23.9.
AB_0 = 10 ** (0.4 * 23.9)


def _flux_unit(rng):
    text, factor = [("nJy", 1e-3), ("uJy", 1.0), ("MJy", 1e12), ("nanomaggies", AB_0 * 1e-9)][
        rng.integers(4)
    ]
    return [("BUNIT", text)], factor


def _solid_angle(rng):
    area = float(10 ** rng.uniform(-14, -12))
    cards = [("BUNIT", "MJy/sr"), ("PIXAR_SR", area)]
    return cards, 1e12 * area


def _flux_of_0(rng):
    flux = float(10 ** rng.uniform(8, 12))
    return [("FLUXMAG0", flux)], AB_0 / flux


def _sensitivity(rng):
    flam, pivot = float(10 ** rng.uniform(-20, -18)), float(rng.uniform(3000, 16000))
    # F_nu = F_lambda lambda^2 / c, of 1 erg/s/cm2/Angstrom; 1 uJy is 1e-29 erg/s/cm2/Hz.
    factor = flam * pivot**2 / 2.99792458e18 / 1e-29
    cards = [("PHOTFLAM", flam), ("PHOTPLAM", pivot)]
    if rng.random() < 0.5:
        return [("BUNIT", "ELECTRONS/S"), *cards], factor
    seconds = float(rng.uniform(10, 1000))
    return [("BUNIT", "ELECTRONS"), ("EXPTIME", seconds), *cards], factor / seconds


def _zero_point(rng):
    value, system = float(rng.uniform(20, 32)), str(rng.choice(["AB", "VEGA"]))
    factor = AB_0 * 10 ** (-0.4 * value) if system == "AB" else None
    return [("PHOTZP", value), ("PHOTSYS", system)], factor


def calibrated(rng, folder):
    """A unit or zero point that is sound, doubled, contradicted, elsewhere, or not in all parts."""
    rule = [_flux_unit, _solid_angle, _flux_of_0, _sensitivity, _zero_point][rng.integers(5)]
    cards, factor = rule(rng)
    spoil = str(rng.choice(["none", "none", "twice", "contradicted", "primary", "closed", "parts"]))
    numbers = [n for n, (_, value) in enumerate(cards) if isinstance(value, float)]
    if spoil in ("twice", "parts", "primary", "closed") and not numbers:
        spoil = "none"
    image, path = draw_field(rng, (40, 44)).astype("f4"), folder / "image.fits"
    words = ""
    moved = [cards[n] for n in numbers]
    if spoil == "twice":
        name, value = moved[int(rng.integers(len(moved)))]
        cards, words = [*cards, (name, value * 2)], f"{name} is given twice"
    elif spoil == "contradicted" and factor is not None and rule is not _flux_of_0:
        cards, words = [*cards, ("FLUXMAG0", AB_0 / factor * 3)], "contradicts itself"
    own = [card for card in cards if card not in moved]
    given = path
    if spoil in ("primary", "closed"):
        closed = [("INHERIT", False)] if spoil == "closed" else []
        path.write_bytes(empty_primary(moved).make(True) + plain_hdu(image, [*own, *closed], False))
        factor = None if spoil == "closed" else factor
        if spoil == "closed" and rule is _solid_angle:
            factor = None  # without a WCS nothing says how large pixels are
    elif spoil == "parts":
        other, given = folder / "other.fits", [path, folder / "other.fits"]
        name, value = moved[int(rng.integers(len(moved)))]
        changed = [(n, v * 1.5 if n == name else v) for n, v in cards]
        path.write_bytes(plain_hdu(image, [("DETSEC", "[1:44,1:40]"), *cards], True))
        other.write_bytes(plain_hdu(image, [("DETSEC", "[1:44,41:80]"), *changed], True))
        words = f"{name} differs" if factor is not None or name == "PHOTZP" else ""
    else:
        path.write_bytes(plain_hdu(image, cards, True))
    vega = rule is _zero_point and ("PHOTSYS", "VEGA") in cards
    if vega and spoil == "twice":
        words = ""  # its system says already that it gives no flux densities
    exposure, verdict = answer(lambda: open_exposure(given, calibrate=True))
    if words:
        must(verdict, words, "warned")
        factor = None
    found = None if exposure is None or exposure.calibration is None else (
        exposure.calibration.microjansky
    )  # fmt: skip
    if (found is None) != (factor is None) or (
        found is not None and abs(found / factor - 1) > 1e-5
    ):
        verdict.wrong.append(f"one unit is {found} uJy, not {factor} ({rule.__name__}, {spoil})")
    return {"M"}, verdict


def named_bits(rng, folder):
    """Bits of a mask by the names that its header has, in one of the ways that headers have."""
    shape, names = (40, 44), ["BAD", "SAT", "CR", "EDGE"]
    bits = [int(bit) for bit in rng.permutation(12)[: len(names)]]
    plane = np.zeros(shape, "i2")
    for bit in bits:
        plane[rng.random(shape) < 0.05] |= 1 << bit
    ways = {
        "MP_": [(f"MP_{name}", bit) for name, bit in zip(names, bits, strict=True)],
        "MSKN": [(f"MSKN{bit:04d}", name) for name, bit in zip(names, bits, strict=True)],
        "MBIT": [(f"MBIT_{bit}", name) for name, bit in zip(names, bits, strict=True)],
    }
    way = str(rng.choice(list(ways)))
    cards = [] if rng.random() < 0.2 else ways[way]
    (folder / "mask.fits").write_bytes(plain_hdu(plane, cards, True))
    wanted = [str(name) for name in rng.choice(names, 2, replace=False)]
    image = draw_field(rng, shape).astype("f4")
    planes, verdict = answer(
        lambda: open_exposure(image, mask=folder / "mask.fits", mask_bits=tuple(wanted)).read()
    )
    if not cards or (way == "MSKN" and planes is None):
        return {"M"}, must(verdict, "is no bit of mask", "refused")
    of_names = dict(zip(names, bits, strict=True))
    true = (plane & sum(1 << of_names[name] for name in wanted)) != 0
    found = np.zeros(shape, bool) if planes is None or planes.mask is None else planes.mask
    if not np.array_equal(found, true):
        verdict.wrong.append(f"bits {wanted} of {way} mask other pixels; {verdict.refused}")
    return {"M"}, verdict


def plane_of_a_cube(rng, folder):
    """A plane of a cube, named in brackets, or none, which is refused with those there are."""
    n = int(rng.integers(2, 5))
    cube = np.stack([draw_field(rng, (40, 44)) for _ in range(n)]).astype("f4")
    path = folder / "cube.fits"
    path.write_bytes(empty_primary().make(True) + plain_hdu(cube, [("EXTNAME", "DATA")], False))
    plane = int(rng.integers(-1, n + 1))
    given = str(path) if plane < 0 else f"{path}[DATA][{plane}]"
    planes, verdict = answer(lambda: open_exposure(given).read())
    if not 0 <= plane < n:
        return {"M"}, must(verdict, "plane", "refused")
    if planes is None or not np.array_equal(planes.data, cube[plane]):
        verdict.wrong.append(f"plane {plane} is another; {verdict.refused}")
    return {"M"}, verdict


def labels_in_any_form(rng, folder):
    """Labels in floats, of any size, with gaps: measured, numbered anew, or refused."""
    image = draw_field(rng, (48, 52)).astype("f4")
    labels = extract(image, nsigma=4, **SETTINGS).segmentation.data.astype(np.int64)
    step = int(rng.choice([1, 7, 2**20, 2**35]))
    given = np.where(labels > 0, labels * step, 0)
    dtype = str(rng.choice(["i4", "i8", "f4", "f8"]))
    largest = {"i4": 2**31 - 1, "i8": 2**31 - 1, "f4": 2**24, "f8": 2**31 - 1}[dtype]
    if dtype == "i4" and given.max() > largest:
        dtype = "i8"
    given = given.astype(dtype)
    renumber = bool(rng.random() < 0.5)
    (folder / "map.fits").write_bytes(plain_hdu(given, [], True))
    found, verdict = answer(lambda: extract(
        image, segmentation=folder / "map.fits", renumber=renumber, **SETTINGS))  # fmt: skip
    too_large = given.max() > (2**53 if renumber and dtype == "f8" else
                               2**24 if dtype == "f4" else largest)  # fmt: skip
    if too_large and not (renumber and dtype[0] == "i"):
        return {"M"}, must(verdict, "must hold labels from 0", "refused")
    true = labels if renumber else np.asarray(given, np.int64)
    if found is None or not np.array_equal(found.segmentation.data, true):
        verdict.wrong.append(f"labels of {dtype}, step {step} are others; {verdict.refused}")
    return {"M"}, verdict


def head_file(rng, folder):
    """A WCS in a file of text, as SCAMP writes it, or in FITS."""
    image = draw_field(rng, (40, 44)).astype("f4")
    sky = sound_sky(rng, image.shape)
    cards = [(n, float(v) if isinstance(v, np.floating) else v) for n, v in sky.cards]
    path = folder / str(rng.choice(["image.head", "image.wcs"]))
    header = fits.Header(cards)
    if path.suffix == ".head":
        path.write_text(header.tostring(sep="\n", padding=False, endcard=False) + "\nEND     \n")
    else:
        fits.PrimaryHDU(header=header).writeto(path)
    (folder / "image.fits").write_bytes(plain_hdu(image, [], True))
    exposure, verdict = answer(lambda: open_exposure(folder / "image.fits", wcs=path))
    if exposure is None or exposure.wcs is None:
        verdict.wrong.append(f"sound positions of a file are left out: {verdict.refused}")
        return {"M"}, verdict
    x, y = np.array([0.0, 30.0]), np.array([5.0, 39.0])
    verdict.wrong += apart(sky, exposure.wcs.pixel_to_world(x, y), x, y)
    return {"M"}, verdict


def damaged(rng, folder):
    """Data that are not those of their checksum, headers that claim what no file has."""
    image, path = draw_field(rng, (40, 44)).astype("f4"), folder / "image.fits"
    fits.PrimaryHDU(image).writeto(path, checksum=True)
    content = bytearray(path.read_bytes())
    way = str(rng.choice(["sound", "data", "header", "NAXIS1", "NAXIS2", "NAXIS", "gzip"]))
    words = {
        "data": "DATASUM", "header": "CHECKSUM", "gzip": "is damaged",
        "NAXIS1": "NAXIS1 = ", "NAXIS2": "NAXIS2 = ", "NAXIS": "NAXIS = ",
    }  # fmt: skip
    if way == "data":
        content[2880 + int(rng.integers(image.nbytes)) // 4 * 4 + 3] ^= 1
    elif way == "header":
        at = content.index(b"END" + b" " * 77)
        content[at : at + 80] = f"{'NOTE    = 1':80s}".encode()
        content[at + 80 : at + 83] = b"END"
    elif way.startswith("NAXIS"):
        at = content.index(f"{way:8s}=".encode())
        content[at : at + 30] = f"{way:8s}= {int(10 ** rng.uniform(8, 12)):>20d}".encode()
    elif way == "gzip":
        content = bytearray(gzip.compress(content))
        content[-8] ^= 0x10
    path.write_bytes(content)
    _, verdict = answer(lambda: extract(path, **SETTINGS))
    if way in words:
        must(verdict, words[way], "warned" if way in ("data", "header") else "refused")
    elif any("SUM" in text for text in verdict.warned) or verdict.refused:
        verdict.wrong.append(f"a sound file is doubted: {verdict.refused or verdict.warned}")
    return {"M"}, verdict


#: What is drawn in place of the structure of a file.
SCENES = (
    calibrated,
    calibrated,
    named_bits,
    plane_of_a_cube,
    labels_in_any_form,
    head_file,
    damaged,
)
