"""Write the reference of the catalog: photutils 3.1.1's columns of one hard scene.

Run with Python 3.12, where photutils 3.1.1 can be installed, from the repository's root::

    python tests/oracle/make_catalog.py

It writes ``tests/oracle/catalog.npz``: the images under ``in/``, the answers under
``<case>/<the guide's column name>`` and their units under ``<case>/units`` (JSON). A case names the
inputs it takes and how, so that tests can repeat it: see `CASES` and `load`.
"""

import json
import warnings
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("catalog.npz")

#: Case -> the optional images it takes, the dtype of all images, a unit, and keywords.
CASES = {
    "full": {"take": ("convolved_data", "error", "background", "mask"), "wcs": True},
    "plain": {"take": ()},
    "float32": {"take": ("convolved_data", "error", "background"), "dtype": "f4"},
    "integer": {"take": (), "dtype": "i4"},
    "units": {"take": ("convolved_data", "error", "background", "mask"), "unit": "Jy"},
    "local": {"take": ("convolved_data", "error", "mask"), "localbkg_width": 24},
    "blank": {"take": ("error",), "apermask_method": "mask", "localbkg_width": 24},
    "none": {"take": ("error", "mask"), "apermask_method": "none", "kron_params": (2.5, 0.5)},
    "circles": {"take": ("convolved_data", "error"), "kron_params": (2.0, 1.0, 6.0)},
    "detection": {"take": ("error", "mask"), "detection": "full", "wcs": False},
}

#: The guide's name of a column -> photutils 3.1.1's.
COLUMNS = {
    "xcentroid": "x_centroid", "ycentroid": "y_centroid", "centroid": "centroid",
    "cutout_centroid": "cutout_centroid", "bbox_xmin": "bbox_xmin", "bbox_xmax": "bbox_xmax",
    "bbox_ymin": "bbox_ymin", "bbox_ymax": "bbox_ymax", "area": "area",
    "segment_area": "segment_area", "equivalent_radius": "equivalent_radius",
    "perimeter": "perimeter", "gini": "gini", "min_value": "min_value", "max_value": "max_value",
    "minval_index": "min_value_index", "maxval_index": "max_value_index",
    "cutout_minval_index": "cutout_min_value_index",
    "cutout_maxval_index": "cutout_max_value_index", "minval_xindex": "min_value_xindex",
    "minval_yindex": "min_value_yindex", "maxval_xindex": "max_value_xindex",
    "maxval_yindex": "max_value_yindex", "segment_flux": "segment_flux",
    "segment_fluxerr": "segment_flux_err", "background_sum": "background_sum",
    "background_mean": "background_mean", "background_centroid": "background_centroid",
    "moments": "moments", "moments_central": "moments_central",
    "inertia_tensor": "inertia_tensor", "covariance": "covariance",
    "covariance_eigvals": "covariance_eigvals", "semimajor_sigma": "semimajor_axis",
    "semiminor_sigma": "semiminor_axis", "fwhm": "fwhm", "orientation": "orientation",
    "sky_orientation": "sky_orientation", "eccentricity": "eccentricity",
    "elongation": "elongation", "ellipticity": "ellipticity", "covar_sigx2": "covariance_xx",
    "covar_sigxy": "covariance_xy", "covar_sigy2": "covariance_yy", "cxx": "ellipse_cxx",
    "cxy": "ellipse_cxy", "cyy": "ellipse_cyy", "local_background": "local_background",
    "kron_radius": "kron_radius", "kron_flux": "kron_flux", "kron_fluxerr": "kron_flux_err",
    "flags": "flags",
}  # fmt: skip
SKY = ("sky_centroid", "sky_centroid_icrs", "sky_bbox_ll", "sky_bbox_ul", "sky_bbox_lr",
       "sky_bbox_ur")  # fmt: skip
RADII, FRACTIONS = (1.5, 3.0, 8.0), (0.2, 0.5, 0.9)
#: Parameters of an additional ``kron_photometry``.
KRON = (1.8, 0.5, 4.0)


def wcs():
    """Return a slightly rotated and flipped tangent-plane projection."""
    from astropy.wcs import WCS

    out = WCS(naxis=2)
    out.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    out.wcs.crval, out.wcs.crpix = [197.8925, -1.36555], [60.5, 45.5]
    scale, angle = 0.2 / 3600, np.deg2rad(25)
    out.wcs.cd = scale * np.array(
        [[-np.cos(angle), np.sin(angle)], [np.sin(angle), 1.1 * np.cos(angle)]]
    )
    return out


def images():
    """Make the scene: blends, edges, thin and tiny segments, bad pixels, one source all masked."""
    rng = np.random.default_rng(20260714)
    shape = ny, nx = 90, 120
    yy, xx = np.mgrid[:ny, :nx]
    data = rng.normal(0, 1, shape)
    for _ in range(22):
        x, y, flux = rng.uniform(0, nx), rng.uniform(0, ny), rng.uniform(300, 3000)
        a, q, angle = rng.uniform(1.2, 3.5), rng.uniform(0.4, 1), rng.uniform(0, np.pi)
        u = (xx - x) * np.cos(angle) + (yy - y) * np.sin(angle)
        v = -(xx - x) * np.sin(angle) + (yy - y) * np.cos(angle)
        data += flux / (2 * np.pi * a * a * q) * np.exp(-0.5 * (u**2 + (v / q) ** 2) / a**2)
    data = np.round(data * 64) / 64
    from astropy.convolution import convolve
    from photutils.segmentation import deblend_sources, detect_sources, make_2dgaussian_kernel

    convolved = np.round(convolve(data, make_2dgaussian_kernel(3.0, size=5)) * 256) / 256
    segments = detect_sources(convolved, 1.5, 8)
    labels = deblend_sources(convolved, segments, 8, progress_bar=False).data.astype(np.int32)
    error = np.round(np.sqrt(1 + np.clip(data, 0, None) / 5) * 256) / 256
    background = np.round((10 + 0.03 * xx - 0.02 * yy) * 64) / 64
    mask = rng.random(shape) < 0.01

    empty = _empty_place(labels, 14, 30)
    first = int(labels.max()) + 7  # labels need not be consecutive
    y, x = empty
    labels[y + 1, x + 1] = first  # one pixel
    labels[y + 1, x + 4 : x + 9] = first + 1  # a horizontal line
    labels[y + 3 : y + 8, x + 1] = first + 2  # a vertical line
    for i in range(5):
        labels[y + 3 + i, x + 4 + i] = first + 3  # a diagonal line
    labels[y + 3 : y + 6, x + 12 : x + 15] = first + 4  # all masked
    mask[y + 3 : y + 6, x + 12 : x + 15] = True
    labels[y + 8 : y + 11, x + 12 : x + 16] = first + 5  # nothing positive in it
    data[y + 8 : y + 11, x + 12 : x + 16] = -3.0
    convolved[y + 8 : y + 11, x + 12 : x + 16] = -2.0
    labels[y + 1 : y + 3, x + 20 : x + 23] = first + 6  # in two pieces
    labels[y + 10 : y + 12, x + 24 : x + 27] = first + 6
    labels[y + 5 : y + 8, x + 20 : x + 24] = first + 7  # flat
    data[y + 5 : y + 8, x + 20 : x + 24] = convolved[y + 5 : y + 8, x + 20 : x + 24] = 5.0
    labels[y + 9 : y + 12, x + 18 : x + 20] = first + 8  # not one finite value
    for image in (data, convolved):
        image[y + 1, x + 1 : x + 9] = np.abs(image[y + 1, x + 1 : x + 9]) + 4
        image[y + 3 : y + 8, x + 1] += 6
    data[y + 9 : y + 12, x + 18 : x + 20] = np.nan

    inside = np.argwhere((labels > 0) & (labels < first))
    for value in (np.nan, np.nan, np.inf, -np.inf, np.nan):
        y, x = inside[rng.integers(len(inside))]
        data[y, x] = value
    y, x = inside[rng.integers(len(inside))]
    convolved[y, x] = np.nan
    y, x = inside[rng.integers(len(inside))]
    error[y, x] = np.nan
    return {
        "data": data, "convolved_data": convolved, "error": error, "background": background,
        "mask": mask, "labels": labels,
    }  # fmt: skip


def _empty_place(labels, height, width):
    """Return the corner of the first block of the image that holds no source."""
    for y in range(1, labels.shape[0] - height - 1):
        for x in range(1, labels.shape[1] - width - 1):
            if not labels[y : y + height, x : x + width].any():
                return y, x
    raise RuntimeError("no empty place: change the seed")


def arguments(case, scene):
    """Return data and keywords of ``case`` under the guide's names; no ``detection_cat``."""
    import astropy.units as u

    case = dict(CASES[case])
    dtype = np.dtype(case.pop("dtype", "f8"))
    unit, with_wcs = case.pop("unit", None), case.pop("wcs", False)
    case.pop("detection", None)
    arrays = {name: scene[name] for name in ("data", *case.pop("take"))}
    for name, image in arrays.items():
        if name != "mask":
            if dtype.kind == "i":
                image = np.round(np.nan_to_num(image, nan=0, posinf=100, neginf=-100) * 16)
            image = image.astype(dtype)
            arrays[name] = image if unit is None else image * u.Unit(unit)
    return arrays.pop("data"), {**arrays, **case, "wcs": wcs() if with_wcs else None}


def load():
    """Return the inputs, and the answers as ``{case: {column: array, "units": dict}}``."""
    with np.load(PATH) as file:
        stored = {name: file[name] for name in file.files}
    scene = {name[3:]: array for name, array in stored.items() if name.startswith("in/")}
    answers = {case: {} for case in CASES}
    for name, array in stored.items():
        case, _, column = name.partition("/")
        if case in answers:
            answers[case][column] = json.loads(str(array)) if column == "units" else array
    return scene, answers


def measure(catalog, with_wcs):
    """Return the columns of a photutils 3.1.1 catalog as plain arrays, and their units."""
    found = {guide: getattr(catalog, name) for guide, name in COLUMNS.items()}
    for radius in RADII:
        flux, error = catalog.circular_photometry(radius)
        found |= {f"circular_flux({radius})": flux, f"circular_fluxerr({radius})": error}
    for fraction in FRACTIONS:
        found[f"fluxfrac_radius({fraction})"] = catalog.flux_radius(fraction)
    found["kron_photometry_flux"], found["kron_photometry_fluxerr"] = catalog.kron_photometry(KRON)
    if with_wcs:
        for name in SKY:
            sky = getattr(catalog, name)
            found[name] = np.transpose([sky.ra.deg, sky.dec.deg])
    else:
        found.pop("sky_orientation")
    units = {n: str(v.unit) for n, v in found.items() if hasattr(v, "unit")}
    return {name: np.asarray(getattr(v, "value", v)) for name, v in found.items()}, units


def main():
    """Measure every case and write the file."""
    import photutils
    from photutils.segmentation import SegmentationImage, SourceCatalog

    if photutils.__version__ != "3.1.1":
        raise SystemExit(f"the reference is photutils 3.1.1, this is {photutils.__version__}")
    scene = images()
    stored = {f"in/{name}": array for name, array in scene.items()}
    rename = {"localbkg_width": "local_bkg_width", "apermask_method": "aperture_mask_method"}
    catalogs = {}
    warnings.simplefilter("ignore")
    for case, how in CASES.items():
        data, keywords = arguments(case, scene)
        keywords = {rename.get(name, name): value for name, value in keywords.items()}
        if "detection" in how:
            keywords["detection_catalog"] = catalogs[how["detection"]]
        catalog = SourceCatalog(data, SegmentationImage(scene["labels"]), **keywords)
        catalogs[case] = catalog
        columns, units = measure(catalog, catalog.wcs is not None)
        stored |= {f"{case}/{name}": array for name, array in columns.items()}
        stored[f"{case}/units"] = np.array(json.dumps(units))
        stored[f"{case}/labels"] = catalog.labels
    np.savez_compressed(PATH, **stored)


if __name__ == "__main__":
    main()
