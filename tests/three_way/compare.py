"""A case, worked on three times, and where the answers differ."""

import contextlib
import warnings
from typing import Any, NamedTuple

import numpy as np
import photutils
from photutils.background import Background2D as TheirBackground2D
from photutils.segmentation import SegmentationImage as TheirImage
from photutils.segmentation import SourceCatalog as TheirCatalog
from photutils.segmentation import deblend_sources as their_deblend
from photutils.segmentation import detect_sources as their_detect

import skyshed
from skyshed.catalog.registry import COLUMNS
from tests.device import standin
from tests.three_way.cases import Case

__all__ = ["Divergence", "compare", "together"]

#: Columns that both have, under photutils' name.
NAMES = sorted(
    column.alias or name
    for name, (column, _) in COLUMNS.items()
    if column.public and column.unit != "sky" and not name.startswith(("sky_", "ra", "dec"))
    and hasattr(TheirCatalog, column.alias or name)
)  # fmt: skip
#: Relative tolerances of columns whose last bits are those of nearly cancelling sums, of a search
#: that ends at a tolerance, or of fits.
LOOSE = {"orientation": 1e-6, "eccentricity": 1e-6, "ellipticity": 1e-6, "elongation": 1e-6}
LOOSE |= {name: 1e-4 for name in NAMES if "_win" in name}
LOOSE |= {name: 1e-6 for name in NAMES if "_quad" in name or "kron" in name}
LOOSE["gini"] = 1e-9
RTOL = 1e-8
#: What sums of numbers of about 1 have in their last bits, where all values of a column are 0.
ATOL = 1e-15
DEBLENDING = sum(
    getattr(skyshed.SEGMENTATION_FLAGS, name)
    for name in dir(skyshed.SEGMENTATION_FLAGS)
    if name.startswith("DEBLEND")
)


#: What photutils 3.1, which is the reference, left as it was in 3.0.
LASTING = {"detect", "catalog", "mesh", "area", "segment_area"}
LASTING |= {name for name in NAMES if name.startswith(("bbox", "min_value", "max_value"))}


class Divergence(NamedTuple):
    """Where two answers differ: whose, in what stage or column, and how."""

    who: str
    what: str
    how: str


class Answer:
    """What one implementation makes of a case, stage by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, Any] = {}

    def __call__(self, name: str, run: Any) -> Any:
        """Run a stage; keep what it gives, or the error that it ends in."""
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                found = run()
        except Exception as error:
            found = error
        self.stages[name] = found
        return found


def together(others: tuple[str, ...]) -> contextlib.AbstractContextManager[Any]:
    """Return a context for many cases, that each need not load the package beside the stand-in."""
    return standin.in_place() if "device" in others else contextlib.nullcontext()


def compare(case: Case, others: tuple[str, ...] = ("photutils", "device")) -> list[Divergence]:
    """Work on a case and return where the others differ from the CPU's kernels."""
    ours = _answer(case, skyshed, np.asarray, lambda labels: labels)
    found = []
    if "photutils" in others:
        theirs = _answer(case, _Photutils, np.asarray, TheirImage, ours)
        found += [each for each in _differences("photutils", theirs, ours) if not _changed(each)]
    if "device" in others:
        with standin.in_place() as cupy:

            def put(array: Any) -> Any:  # CuPy has no foreign byte order
                return cupy.asarray(array.astype(array.dtype.newbyteorder("=")))

            there = _answer(case, skyshed, put, lambda labels: labels)
            found += _differences("device", there, ours)
    return found


def _changed(divergence: Divergence) -> bool:
    """Whether this is how photutils' releases differ."""
    return photutils.__version__ < "3.1" and divergence.what not in LASTING


def _deblend(*given: Any, **options: Any) -> Any:
    """Deblend with photutils, without its bar of progress, which 3.1 gave up."""
    quiet = {} if photutils.__version__ >= "3.1" else {"progress_bar": False}
    return their_deblend(*given, **options, **quiet)


class _Photutils:
    detect_sources, deblend_sources = staticmethod(their_detect), staticmethod(_deblend)
    SourceCatalog, Background2D = TheirCatalog, TheirBackground2D


def _answer(case: Case, library: Any, put: Any, image: Any, like: Answer | None = None) -> Answer:
    """Work on a case with a library; ``like`` gives the labels that are measured."""
    answer = Answer()

    def on(array: Any) -> Any:
        return None if array is None else put(array)

    threshold = case.threshold if np.isscalar(case.threshold) else put(case.threshold)
    detected = answer(
        "detect",
        lambda: library.detect_sources(on(case.data), threshold, mask=on(case.mask), **case.detect),
    )
    final = detected
    if case.deblend is not None and hasattr(detected, "labels"):
        final = answer(
            "deblend", lambda: library.deblend_sources(on(case.data), detected, **case.deblend)
        )
    if case.mesh is not None:
        mesh = answer(
            "mesh",
            lambda: library.Background2D(on(case.data), mask=on(case.mask), **case.mesh),
        )
        if not isinstance(mesh, Exception):
            answer("background", lambda: mesh.background)
            answer("background_rms", lambda: mesh.background_rms)
    if like is not None:  # measured on the same labels, so that a difference is told once
        final = like.stages.get("deblend", like.stages["detect"])
        final = image(np.array(final.data)) if hasattr(final, "labels") else final
    if hasattr(final, "labels"):
        catalog = answer(
            "catalog",
            lambda: library.SourceCatalog(
                on(case.data), final, error=on(case.error), mask=on(case.mask),
                background=on(case.background), **case.measure,
            ),
        )  # fmt: skip
        if not isinstance(catalog, Exception):
            for name in NAMES:
                answer(name, lambda name=name: getattr(catalog, name))
            answer.stages["catalog"] = None
    for stage in ("mesh",):
        if not isinstance(answer.stages.get(stage), Exception):
            answer.stages.pop(stage, None)
    return answer


def _differences(who: str, other: Answer, ours: Answer) -> list[Divergence]:
    found = []
    names = {*other.stages, *ours.stages}
    for stage, then in (
        ("detect", ("deblend", "catalog", *NAMES)), ("deblend", ("catalog", *NAMES)),
        ("catalog", NAMES), ("mesh", ("background", "background_rms")),
    ):  # fmt: skip
        if any(isinstance(each.stages.get(stage), Exception) for each in (other, ours)):
            names -= set(then)
    for name in sorted(names):
        how = _difference(name, other.stages.get(name), ours.stages.get(name), who)
        if how:
            found.append(Divergence(who, name, how))
    return found


def _difference(name: str, other: Any, ours: Any, who: str) -> str:
    """Return how two answers to one question differ; nothing if they do not."""
    refused = [isinstance(each, Exception) for each in (other, ours)]
    if any(refused):
        if all(refused):
            return ""
        return f"{who}: {_short(other)}; cpu: {_short(ours)}"
    if hasattr(other, "labels") or hasattr(ours, "labels"):
        other, ours = (getattr(each, "data", None) for each in (other, ours))
    if other is None or ours is None:
        return "" if other is ours else f"{who}: {_short(other)}; cpu: {_short(ours)}"
    other, ours = _plain(other), _plain(ours)
    if name == "flags":  # photutils' labels come without what deblending found
        other, ours = (each & ~DEBLENDING for each in (other, ours))
    if other.shape != ours.shape:
        return f"shapes {other.shape} and {ours.shape}"
    if other.dtype.kind not in "fiub" or ours.dtype.kind not in "fiub":
        return ""
    exact = name in ("detect", "deblend")
    rtol = 0.0 if exact else LOOSE.get(name, RTOL)
    if name.startswith("background") and "_" not in name.removeprefix("background_rms"):
        rtol = 1e-6  # float32 maps
    finite = np.abs(ours[np.isfinite(ours)].astype(float))
    size = float(finite.max()) if finite.size else 0.0
    atol = 0.0 if exact else max(rtol * size, ATOL)
    same = np.isclose(other.astype(float), ours.astype(float), rtol, atol, equal_nan=True)
    if name == "orientation":  # an angle
        turned = np.abs(other - ours) % 180
        same |= np.minimum(turned, 180 - turned) < 1e-4
    if same.all():
        return ""
    at = tuple(int(each) for each in np.argwhere(~same)[0])
    return f"{np.count_nonzero(~same)} of {same.size}, first at {at}: {other[at]!r}, {ours[at]!r}"


def _short(value: Any) -> str:
    if isinstance(value, Exception):
        return f"{type(value).__name__}: {' '.join(str(value).split())[:110]}"
    return type(value).__name__


def _plain(values: Any) -> Any:
    """Return a column, map or image as an array of the host, without unit."""
    values = getattr(values, "value", values)
    if hasattr(values, "get") and not isinstance(values, np.ndarray):
        values = values.get()
    if isinstance(values, list | tuple):
        values = [np.asarray(getattr(each, "value", each)) for each in values]
        if len({each.shape for each in values}) > 1:
            return np.concatenate([each.ravel() for each in values])
    return np.ma.getdata(np.asarray(values))
