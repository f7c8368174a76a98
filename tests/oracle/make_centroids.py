"""Write the reference of the centroids: photutils 3.1.1's columns of two hard scenes.

Run with Python 3.12, where photutils 3.1.1 can be installed, from the repository's root::

    python tests/oracle/make_centroids.py

It writes ``tests/oracle/centroids.npz``: the images of the scenes under ``in/<scene>/``, the
answers under ``<case>/<the guide's column name>``, those on the sky in arcseconds. A case names its
scene, the optional images it takes, their dtype, and keywords: see `CASES` and `load`.
"""

import warnings
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("centroids.npz")
ALL = ("convolved_data", "error", "mask")

CASES = {
    "correct": {"scene": "crowd", "take": ALL, "wcs": True},
    "mask": {"scene": "crowd", "take": ALL, "apermask_method": "mask"},
    "none": {"scene": "crowd", "take": ALL, "apermask_method": "none"},
    "plain": {"scene": "crowd", "take": ()},
    "float32": {"scene": "crowd", "take": ("convolved_data", "error"), "dtype": "f4"},
    "local": {"scene": "crowd", "take": ("error", "mask"), "localbkg_width": 20, "wcs": True},
    "circles": {"scene": "crowd", "take": ("error",), "kron_params": (2.5, 1.4, 4.0)},
    "detection": {"scene": "crowd", "take": ("error",), "detection": "correct"},
    "odd": {"scene": "oddities", "take": ALL, "wcs": True},
    "odd_mask": {"scene": "oddities", "take": ("error", "mask"), "apermask_method": "mask"},
    "odd_plain": {"scene": "oddities", "take": ()},
}

#: The guide's name of a column -> photutils 3.1.1's; columns on the sky are stored where there is a
#: WCS.
COLUMNS = {
    name: name.replace("xcentroid", "x_centroid").replace("ycentroid", "y_centroid")
    for kind in ("", "_win", "_quad")
    for name in (
        f"centroid{kind}", f"xcentroid{kind}", f"ycentroid{kind}", f"cutout_centroid{kind}",
        f"centroid{kind}_err", f"xcentroid{kind}_err", f"ycentroid{kind}_err",
        *((f"centroid{kind}_fallback",) if kind else ()),
    )
}  # fmt: skip
POSITIONS = ("sky_centroid", "sky_centroid_win", "sky_centroid_quad")
SKY = tuple(f"{name}{end}" for name in POSITIONS for end in ("_err", "_ra_err", "_dec_err"))


def wcs():
    """Return a rotated, sheared projection with a pole in the field."""
    from astropy.wcs import WCS

    out = WCS(naxis=2)
    out.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    out.wcs.crval, out.wcs.crpix = [10.0, 89.999], [50.5, 45.5]
    scale, angle = 0.3 / 3600, np.deg2rad(35)
    out.wcs.cd = scale * np.array(
        [[-np.cos(angle), np.sin(angle)], [np.sin(angle), 1.2 * np.cos(angle)]]
    )
    return out


def crowd():
    """Make sources of all widths, close together and at the edges, with bad pixels among them."""
    from astropy.convolution import convolve
    from photutils.segmentation import deblend_sources, detect_sources, make_2dgaussian_kernel

    rng = np.random.default_rng(20261122)
    shape = ny, nx = 100, 110
    yy, xx = np.mgrid[:ny, :nx]
    data = rng.normal(0, 1, shape)
    for k in range(34):
        x, y, flux = rng.uniform(-2, nx + 2), rng.uniform(-2, ny + 2), rng.uniform(100, 2500)
        a, q, angle = rng.uniform(0.6, 3.0), rng.uniform(0.4, 1), rng.uniform(0, np.pi)
        a *= 3 if k == 0 else 1
        u = (xx - x) * np.cos(angle) + (yy - y) * np.sin(angle)
        v = -(xx - x) * np.sin(angle) + (yy - y) * np.cos(angle)
        data += flux / (2 * np.pi * a * a * q) * np.exp(-0.5 * (u**2 + (v / q) ** 2) / a**2)
    data = np.round(data * 64) / 64
    convolved = np.round(convolve(data, make_2dgaussian_kernel(2.0, size=5)) * 256) / 256
    labels = deblend_sources(
        convolved, detect_sources(convolved, 1.5, 5), 5, progress_bar=False
    ).data.astype(np.int32)  # fmt: skip
    error = np.round(np.sqrt(1 + np.clip(data, 0, None) / 5) * 256) / 256
    mask = rng.random(shape) < 0.02
    inside = np.argwhere(labels > 0)
    for image, values in (
        (data, (np.nan, np.inf, -np.inf, np.nan, np.nan, np.nan)),
        (convolved, (np.nan, -1.0, 0.0, np.inf)),
        (error, (np.nan, 0.0, np.inf)),
    ):
        for value in values:
            y, x = inside[rng.integers(len(inside))]
            image[y, x] = value
    return {
        "data": data, "convolved_data": convolved, "error": error, "mask": mask, "labels": labels,
    }  # fmt: skip


def oddities():
    """Make a source in every cell of a grid: each has its own way to go wrong."""
    rng = np.random.default_rng(7)
    cell, rows, columns = 16, 4, 6
    shape = (rows * cell, columns * cell)
    data = rng.normal(0, 0.5, shape)
    labels = np.zeros(shape, np.int32)
    mask = np.zeros(shape, bool)
    y, x = np.mgrid[:cell, :cell] - cell // 2
    spot = 40 * np.exp(-((x - 0.3) ** 2 + (y + 0.2) ** 2) / (2 * 1.6**2))
    cells = []
    for k in range(rows * columns):
        top, left = k // columns * cell, k % columns * cell
        at = slice(top, top + cell), slice(left, left + cell)
        data[at] += spot
        labels[at] = np.where(spot > 3, k + 1, 0)
        cells.append((data[at], labels[at], mask[at]))
    c = cell // 2

    def segment(k, rows, columns):
        cells[k][1][:] = 0
        cells[k][1][rows, columns] = k + 1

    segment(1, np.s_[c : c + 2], np.s_[c : c + 5])  # two rows
    segment(2, np.s_[c - 3 : c + 4], np.s_[c : c + 1])  # one column
    segment(3, np.s_[c : c + 1], np.s_[c : c + 1])  # one pixel
    segment(4, np.s_[c : c + 5], np.s_[c - 2 : c + 3])  # the peak at the edge of the box
    cells[5][2][cells[5][1] > 0] = True  # all masked
    cells[6][0][cells[6][1] > 0] = np.nan  # not one finite value
    cells[7][0][:] = -cells[7][0] - 10  # negative, the corners of its box are the peak
    cells[8][0][:] = -cells[8][0] - 10  # negative, fills its box: the least dark pixel
    segment(8, np.s_[c - 3 : c + 4], np.s_[c - 3 : c + 4])
    cells[9][0][:] = -cells[9][0] - 10  # the same with a masked pixel within, which is the peak
    segment(9, np.s_[c - 3 : c + 4], np.s_[c - 3 : c + 4])
    cells[9][2][c, c - 1] = True
    # Boxes with 1, 3, 4, 3 and 3 pixels masked; the last leave two rows, two columns.
    for k, pixels in (
        (10, [(0, 1)]), (11, [(0, -1), (1, 1), (-1, 0)]), (12, [(1, 1), (1, 0), (0, 1), (-1, -1)]),
        (13, [(1, -1), (1, 0), (1, 1)]), (14, [(-1, 1), (0, 1), (1, 1)]),
    ):  # fmt: skip
        cells[k][0][c, c] = 45
        for dy, dx in pixels:
            cells[k][2][c + dy, c + dx] = True
    cells[15][0][c - 1 : c + 2, c - 1 : c + 2] = [[30, 1, 30], [1, 50, 1], [30, 1, 30]]  # a saddle
    cells[16][0][c - 1 : c + 2, c - 1 : c + 2] = [[7.45, 9.68, 3.26], [3.7, 10.67, 1.89],
                                                  [1.3, 4.76, 2.27]]  # fmt: skip
    segment(16, np.s_[c - 1 : c + 2], np.s_[c - 1 : c + 2])  # the maximum beyond the box
    cells[17][0][c - 3, c + 4] += 900  # a bright pixel, not the segment's, that the window runs to
    cells[18][1][c - 2 : c + 3, c + 2 :] = 100  # a neighbour over half of it
    cells[19][1][:, :c] = np.where(cells[19][1][:, :c], 0, 101)  # a neighbour about it
    cells[20][0][c - 1 : c + 2, c - 1 : c + 2] = -30  # a hole where the window is
    cells[21][0][:] -= 6  # a deep sky
    cells[22][0][c - 6 : c + 7, c - 6 : c + 7] += 30  # a plateau
    segment(23, np.s_[0:cell:3], np.s_[0:cell:3])  # in pieces
    data = np.round(data * 64) / 64
    convolved = np.where(np.isfinite(data), data, 4.0)
    error = np.round(np.sqrt(0.25 + np.clip(np.nan_to_num(data), 0, None) / 9) * 256) / 256
    return {
        "data": data, "convolved_data": convolved, "error": error, "mask": mask, "labels": labels,
    }  # fmt: skip


def arguments(case, scenes):
    """Return data, labels and keywords of ``case`` under the guide's names."""
    case = dict(CASES[case])
    dtype, scene = np.dtype(case.pop("dtype", "f8")), scenes[case.pop("scene")]
    case.pop("detection", None)
    projection = wcs() if case.pop("wcs", False) else None
    arrays = {
        name: scene[name] if name == "mask" else scene[name].astype(dtype)
        for name in ("data", *case.pop("take"))
    }
    return arrays.pop("data"), scene["labels"], {**arrays, **case, "wcs": projection}


def load():
    """Return the scenes and the answers: dictionaries of arrays by scene and by case."""
    scenes, answers = {}, {case: {} for case in CASES}
    with np.load(PATH) as file:
        for name in file.files:
            first, _, rest = name.partition("/")
            if first == "in":
                scene, _, image = rest.partition("/")
                scenes.setdefault(scene, {})[image] = file[name]
            else:
                answers[first][rest] = file[name]
    return scenes, answers


def measure(catalog):
    """Return the columns of a photutils 3.1.1 catalog as plain arrays."""
    found = {guide: getattr(catalog, name) for guide, name in COLUMNS.items()}
    if catalog.wcs is not None:
        for name in POSITIONS:
            sky = getattr(catalog, name)
            found[name] = np.transpose([sky.ra.deg, sky.dec.deg])
        found |= {name: getattr(catalog, name).to_value("arcsec") for name in SKY}
    return {name: np.asarray(values) for name, values in found.items()}


def main():
    """Measure every case and write the file."""
    import photutils
    from photutils.segmentation import SegmentationImage, SourceCatalog

    if photutils.__version__ != "3.1.1":
        raise SystemExit(f"the reference is photutils 3.1.1, this is {photutils.__version__}")
    warnings.simplefilter("ignore")
    scenes = {"crowd": crowd(), "oddities": oddities()}
    stored = {
        f"in/{scene}/{name}": array
        for scene, images in scenes.items()
        for name, array in images.items()
    }
    rename = {"localbkg_width": "local_bkg_width", "apermask_method": "aperture_mask_method"}
    catalogs = {}
    for case, how in CASES.items():
        data, labels, keywords = arguments(case, scenes)
        keywords = {rename.get(name, name): value for name, value in keywords.items()}
        if "detection" in how:
            keywords["detection_catalog"] = catalogs[how["detection"]]
        catalogs[case] = SourceCatalog(data, SegmentationImage(labels), **keywords)
        answers = measure(catalogs[case])
        stored |= {f"{case}/{name}": array for name, array in answers.items()}
    np.savez_compressed(PATH, **stored)


if __name__ == "__main__":
    main()
