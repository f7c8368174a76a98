"""What is no argument is refused by its name; no error comes from inside.

Every parameter of every public function is given what no one should: a signature that gains one is
tested by itself.
"""

import inspect

import astropy.units as u
import numpy as np
import pytest

import skyshed
from skyshed.names import KEYWORDS

WRONG = {
    "text": "x", "empty text": "", "dict": {}, "list": [], "object": object(), "negative": -1,
    "zero": 0, "beyond int64": 2**63, "beyond float": 10**400, "NaN": float("nan"),
    "infinite": float("inf"), "complex": 1j, "unit": 5 * u.Jy, "3-D": np.ones((2, 2, 2)),
    "no pixels": np.zeros((0, 0)), "True": True, "tuple": (1, 2, 3), "bytes": b"a",
    "objects": np.array([None, 1], object), "function": lambda *_, **__: None, "half": 2.5,
    "None": None, "set": {1}, "texts": np.array([1, "x"]),
}  # fmt: skip
#: Functions that the user gives answer for themselves.
CALLED = {"bkg_estimator", "bkgrms_estimator", "sigma_clip", "interpolator"}


def image():
    data = np.random.default_rng(0).normal(10, 1, (48, 48))
    data[20:24, 20:24] += 60
    data[36:40, 30:34] += 40
    return data


DATA = image()
SEGM = skyshed.detect_sources(DATA, 14.0, 5)
ESTIMATORS = [
    name for name in skyshed.__all__ if name.endswith(("Background", "BackgroundRMS"))
    and name not in ("LocalBackground",)
]  # fmt: skip
FUNCTIONS = {
    "detect_sources": {"data": DATA, "threshold": 14.0, "npixels": 5},
    "detect_threshold": {"data": DATA, "nsigma": 3.0},
    "deblend_sources": {"data": DATA, "segment_img": SEGM, "npixels": 5},
    "matched_filter": {"data": DATA - 10, "template": np.ones((3, 3)), "error": 1.0},
    "detect_multiscale": {
        "data": DATA - 10,
        "templates": (2.0, 4.0),
        "significance": 5.0,
        "npixels": 5,
    },
    "convolve": {"array": DATA, "kernel": np.ones((3, 3))},
    "make_2dgaussian_kernel": {"fwhm": 3.0, "size": 5},
    "calc_total_error": {"data": DATA, "bkg_error": np.ones_like(DATA), "effective_gain": 2.0},
    "Background2D": {"data": DATA, "box_size": 16},
    "LocalBackground": {"inner_radius": 3, "outer_radius": 6},
    "SegmentationImage": {"data": SEGM.data},
    "SourceCatalog": {"data": DATA, "segment_img": SEGM},
    "SourceFinder": {"npixels": 5},
    "extract": {"image": DATA},
    "extract_bands": {"bands": {"g": DATA, "r": 2 * DATA}},
    "decode_segmentation_flags": {"flags": 3},
    **{name: {} for name in ESTIMATORS},
}
#: What makes an object show what its settings are worth.
USES = {
    "LocalBackground": lambda made: made(DATA, 20.0, 20.0),
    "SourceFinder": lambda made: made(DATA, 14.0),
    "Background2D": lambda made: made.background,
}


def test_every_public_function_is_tried():
    tried = {
        name for name in skyshed.__all__
        if callable(getattr(skyshed, name)) and not name.endswith(("Warning", "Error", "Base"))
    }  # fmt: skip
    others = {
        "BkgIDWInterpolator", "BkgZoomInterpolator", "Parameters", "Segment", "extract_each",
        "survey",
    }  # fmt: skip
    assert tried - others - {"SEGMENTATION_FLAGS"} == set(FUNCTIONS)


def parameters():
    for name, valid in FUNCTIONS.items():
        for parameter in inspect.signature(getattr(skyshed, name)).parameters.values():
            # An alias is the canonical keyword under another name, which has its own turn.
            several = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
            if not several and parameter.name not in KEYWORDS:
                yield name, parameter.name, valid


@pytest.mark.parametrize(
    ("name", "parameter", "valid"),
    [pytest.param(*each, id=f"{each[0]}-{each[1]}") for each in parameters()],
)
@pytest.mark.filterwarnings("ignore")
def test_what_is_no_argument_is_refused_by_its_name(
    name, parameter, valid, tmp_path, monkeypatch
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    unnamed = {}
    for kind, value in WRONG.items():
        if parameter in CALLED and kind == "function":
            continue
        try:
            made = getattr(skyshed, name)(**{**valid, parameter: value})
            USES.get(name, lambda _: None)(made)
        except Exception as error:
            # Files are named by themselves; no kernel can be normalized by a bad tolerance.
            names = ("x: ", parameter, "normalize_kernel")
            if not any(each in str(error) for each in names):
                unnamed[kind] = repr(error)[:200]
    assert not unnamed
    assert not list(tmp_path.glob("[!x]*"))
