"""What skyshed makes of a structure, compared with what is right."""

import re
import warnings
from dataclasses import dataclass, field

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import Window, open_exposure

__all__ = ["Verdict", "apart", "check_case", "check_extraction"]

#: How far positions may be off, in pixels.
OFFSET = 2e-3
#: By how many times that by which pixels are off a level may be: it is 2.5 medians, which move as
#: their pixels do, less 1.5 means, which hardly move.
LEVEL = 2.5
#: What says how large a source is.
OF_SIZE = ("segment_area", "semimajor_sigma", "semiminor_sigma", "kron_radius")
#: What says that positions are left out.
LEFT_OUT = "positions on the sky are left out"


@dataclass
class Verdict:
    """What came of a structure.

    Attributes
    ----------
    refused : str
        The message of a refusal.
    warned : list of str
        The messages of the warnings.
    wrong : list of str
        What differs from what is right without a word.
    """

    refused: str = ""
    warned: list = field(default_factory=list)
    wrong: list = field(default_factory=list)

    @property
    def name(self):
        """What it is counted as."""
        if self.wrong:
            return "wrong"
        if self.refused:
            return "refused"
        return "warned" if self.warned else "right"


def check_case(case, rng):
    """Open a structure, whole and by a window, and compare it with what is right."""
    verdict = Verdict()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            exposure = open_exposure(case.given, **case.options)
            planes = exposure.read()
            window = _window(rng, case.shape)
            part = exposure.read(window)
        except (ValueError, TypeError, OSError) as error:
            verdict.refused = str(error)
        except Exception as error:  # whoever gives a file cannot make anything of these
            verdict.refused = f"{type(error).__name__}: {error}"
    verdict.warned = [str(w.message) for w in heard if issubclass(w.category, ImageWarning)]
    if verdict.refused:
        expected = [*case.refusals, *case.allowed]
        if not any(re.search(words, verdict.refused) for words in expected):
            verdict.wrong.append(f"refused what is sound: {verdict.refused}")
        return verdict
    if case.refusals:
        verdict.wrong.append(f"not refused: {case.refusals}")
        return verdict
    for words in [*case.warnings, case.pixels.must_say]:
        if words and not any(re.search(words, text) for text in verdict.warned):
            verdict.wrong.append(f"no warning of {words}")
    verdict.wrong += _of_planes(case, planes, Window(0, case.shape[0], 0, case.shape[1]))
    verdict.wrong += [f"by a window: {each}" for each in _of_planes(case, part, window)]
    verdict.wrong += _of_unit(case, exposure, verdict.warned)
    verdict.wrong += _of_sky(case, exposure.wcs, verdict.warned)
    return verdict


def check_extraction(case, rng):
    """Compare what is found in a structure with what is found in what it holds, as arrays.

    Returns
    -------
    wrong : list of str
        What differs.
    """
    dtype = open_exposure(case.given, **case.options).image.dtype
    dtype = dtype if dtype.kind == "f" else np.float64
    window = _window(rng, case.shape)
    settings = {"n_threads": 1, "box_size": 16}
    arrays = {"image": np.where(case.mask, np.nan, case.pixels.values).astype(dtype)}
    for plane in case.planes.values():
        if plane.name == "error":
            arrays["error"] = plane.values.astype("f4")
        elif plane.bad is not None:
            arrays["rms"] = np.where(plane.bad, 1.0, plane.values)
    unit = case.unit
    arrays["image"] = arrays["image"] if unit is None else arrays["image"] << unit
    wrong = []
    # How far lossy pixels are off: by half a step of the quantisation at most.
    planes = open_exposure(case.given, **case.options).read()
    off = 0.0
    if case.pixels.tolerance:
        off = float(np.nanmax(np.abs(np.asarray(planes.data) - case.pixels.values)))
    for region in (None, window):
        more = {} if region is None else {"region": region.bounds}
        found = extract(case.given, **case.options, **more, **settings)
        expected = extract(**arrays, **more, **settings)
        if not np.array_equal(found.segmentation.data, expected.segmentation.data):
            if case.pixels.tolerance == 0:
                wrong.append("the sources are others")
            continue
        level = np.abs(_plain(found.background[:, :]) - _plain(expected.background[:, :])).max()
        if level > LEVEL * off + 1e-3:
            wrong.append(f"the level of the background differs by {level:.3g}")
        near = _near(expected, off, level)
        true = {name: expected.table[name] for name in near}
        if off and expected.catalog is not None:
            # In the apertures that were found: how large they are moves with every pixel.
            part = () if region is None else region.slices
            cut = {name: array[part] for name, array in arrays.items()}
            again = extract(**cut, detection_cat=found.catalog, **settings)
            true["kron_flux"] = again.table["kron_flux"]
        for name, tolerance in near.items():
            mine, other = (_plain(each[name]) for each in (found.table, true))
            apart = np.abs(mine - other)
            if not ((apart <= tolerance + 2e-4 * np.abs(other)) | np.isnan(apart)).all():
                wrong.append(f"{name} differs by {np.nanmax(apart):.3g}")
            if not np.array_equal(np.isfinite(mine), np.isfinite(other)):
                wrong.append(f"other values of {name} are finite")
        wrong += _of_table(case, found, region)
    return wrong


def _near(expected, off, level):
    """Return how far values may be off where pixels are by ``off`` and the level by ``level``.

    A sum over an area is off by the level in each pixel, and by as many steps of a random walk:
    what quantisation does to pixels is even between both ends, and five standard deviations are
    allowed. A centroid moves as flux does from one end of the source to the other, and the noise of
    the background as pixels do.
    """
    if not off or expected.catalog is None:
        return dict.fromkeys(("xcentroid", "segment_flux", "kron_flux", "segment_fluxerr"), 1e-3)
    size = {name: _plain(getattr(expected.catalog, name)) for name in OF_SIZE}
    scale = expected.parameters.kron_params[0] * size["kron_radius"]
    flux, error = (_plain(expected.table[f"segment_{name}"]) for name in ("flux", "fluxerr"))

    def of_area(area):
        return level * area + off * np.minimum(area, 5 * np.sqrt(area / 3))

    in_segment = of_area(size["segment_area"])
    noise = float(np.median(expected.background_rms))
    return {
        "xcentroid": 1e-3 + in_segment * np.sqrt(size["segment_area"]) / np.abs(flux),
        "segment_flux": in_segment,
        "kron_flux": of_area(np.pi * size["semimajor_sigma"] * size["semiminor_sigma"] * scale**2),
        "segment_fluxerr": error * off / noise if noise else 1e-3,
    }


def _plain(values):
    """Return numbers without their unit."""
    return np.asarray(getattr(values, "value", values), np.float64)


def _window(rng, shape):
    y0, x0 = (int(rng.integers(0, length // 3)) for length in shape)
    y1, x1 = (int(rng.integers(2 * length // 3, length + 1)) for length in shape)
    return Window(y0, y1, x0, x1)


def _of_planes(case, planes, window):
    """Compare a window of the pixels, the mask, and the noise."""
    wrong = []
    true = case.pixels.values[window.slices]
    mask = case.mask[window.slices]
    data = np.asarray(planes.data, np.float64)
    found = np.zeros(true.shape, bool) if planes.mask is None else np.asarray(planes.mask)
    if data.shape != true.shape:
        return [f"the shape is {data.shape}, not {true.shape}"]
    if not np.array_equal(found, mask):
        wrong.append(f"the mask differs in {np.count_nonzero(found != mask)} pixels")
    good = np.isfinite(true)
    if not np.array_equal(np.isfinite(data), good):
        wrong.append("other pixels are finite")
        return wrong
    near = case.pixels.tolerance + case.pixels.relative * np.abs(true[good])
    if not (np.abs(data[good] - true[good]) <= near).all():
        off = np.abs(data[good] - true[good]).max()
        wrong.append(f"pixels are {off:.3g} off, such as {data[good][0]:g} for {true[good][0]:g}")
    wrong += _of_noise(case, planes, window, found)
    return wrong


def _of_noise(case, planes, window, mask):
    """Compare noise and error where pixels are good."""
    noise = next((each for each in case.planes.values() if each.bad is not None), None)
    for name, plane, array in (
        ("noise", noise, planes.rms), ("error", case.planes.get("error"), planes.error),
    ):  # fmt: skip
        if (plane is None) != (array is None):
            return [f"there is {'a' if plane is None else 'no'} {name}"]
        if plane is None:
            continue
        true, found = plane.values[window.slices][~mask], np.asarray(array, np.float64)[~mask]
        if not np.allclose(found, true, rtol=1e-5):
            return [f"the {name} is {np.median(found / true):.4g} times what it is"]
    return []


def _of_unit(case, exposure, warned):
    """Compare the unit; one that is not known must be said to be."""
    if case.unknown:
        if exposure.unit is not None:
            return [f"a unit that nobody knows is taken for {exposure.unit}"]
        said = any("is not known" in text for text in warned)
        return [] if said else ["an unknown unit is dropped without a word"]
    if (exposure.unit is None) != (case.unit is None):
        return [f"the unit is {exposure.unit}, not {case.unit}"]
    same = case.unit is None or abs(float(exposure.unit.to(case.unit)) - 1) < 1e-9
    return [] if same else [f"the unit is {exposure.unit}, not {case.unit}"]


def _of_sky(case, wcs, warned):
    """Compare positions; those that are left out must be said to be."""
    sky = case.sky
    if wcs is None:
        if sky.verdict == "none":
            return []
        if sky.verdict == "sound":
            return [f"sound positions are left out: {warned}"]
        said = any(LEFT_OUT in text for text in warned)
        return [] if said else ["positions are left out without a word"]
    if sky.verdict in ("void", "none"):
        return [f"positions are made up: {_shown(wcs)}"]
    if sky.must_say and not any(sky.must_say in text for text in warned):
        return [f"no warning of {sky.must_say}"]
    ny, nx = case.shape
    x, y = np.array([0.0, nx - 1.0, 3.25, nx / 2]), np.array([0.0, ny - 1.0, ny / 3, 2.5])
    return apart(sky, wcs.pixel_to_world(x, y), x, y)


def apart(sky, found, x, y):
    """Compare positions of pixels with what the header gives."""
    lon, lat = sky.where(x, y)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return []
    if sky.frame in ("icrs", "fk5", "fk4", "galactic") and found.frame.name != sky.frame:
        return [f"positions are called {found.frame.name}, and are {sky.frame}"]
    true = _coordinates(lon, lat, sky.frame, found)
    apart = found.separation(true).deg / sky.scale
    near = 1.0 if sky.frame not in ("icrs", "fk5", "fk4", "galactic") else OFFSET
    near += 1e-9 / sky.scale
    if np.nanmax(apart) > near or not np.isfinite(apart).all():
        return [f"positions are {np.nanmax(apart):.3g} pixels off ({sky.name})"]
    return []


def _coordinates(lon, lat, frame, found):
    if frame == found.frame.name:
        return SkyCoord(found.frame.realize_frame(SkyCoord(lon * u.deg, lat * u.deg).data))
    return SkyCoord(lon * u.deg, lat * u.deg, frame=frame)


def _of_table(case, found, region):
    """Compare the positions in a table with what the header gives for its centroids."""
    table = found.table
    if len(table) == 0 or found.catalog.wcs is None or case.sky.where is None:
        return []
    y0, _, x0, _ = (0, 0, 0, 0) if region is None else region.bounds
    x, y = (np.asarray(table[name], float) for name in ("xcentroid", "ycentroid"))
    good = np.isfinite(x) & np.isfinite(y)
    if not good.any():
        return []
    where = found.catalog.sky_centroid[good]
    return [f"in the table, {each}" for each in apart(case.sky, where, x[good] + x0, y[good] + y0)]


def _shown(wcs):
    try:
        return wcs.pixel_to_world(0, 0).to_string()
    except Exception as error:
        return repr(error)
