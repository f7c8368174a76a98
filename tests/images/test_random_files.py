"""Random FITS structures: no number differs from what was put in without a word."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tests.images.random_files import check
from tests.images.random_files.cases import draw_case
from tests.images.random_files.run import KINDS, run

#: Structures of each kind that there must be among those below.
LEAST = 3


@pytest.fixture(scope="module")
def tally():
    return run(360, seed=20261130)


def test_there_is_no_difference_without_a_word(tally):
    assert tally.wrong == [], f"\n{tally}"


def test_every_kind_of_failure_is_among_them(tally):
    for kind in KINDS:
        assert tally.counts[kind].total() >= LEAST, f"{kind}\n{tally}"
    for name in ("refused", "warned", "right"):
        assert sum(counts[name] for counts in tally.counts.values()) > 30, f"{name}\n{tally}"
    assert tally.n_extracted >= 15


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_there_is_none_among_many(seed):
    tally = run(2500, seed)
    assert tally.wrong == [], f"\n{tally}"


def test_the_same_seed_is_the_same_structure(tmp_path):
    """Not always byte by byte: what gzip packs has the time in it."""
    for n in range(10):
        one, other = (draw_case((1, n), tmp_path) for _ in range(2))
        one.close()
        other.close()
        assert np.array_equal(one.pixels.values, other.pixels.values, equal_nan=True)
        assert repr(one.sky.cards) == repr(other.sky.cards)
        assert (one.unit, one.kinds, one.refusals) == (other.unit, other.kinds, other.refusals)
        assert one.options.keys() == other.options.keys()
        for name, plane in one.planes.items():
            assert plane.stored.tobytes() == other.planes[name].stored.tobytes()


#: What is changed in a file, or in what is expected, so that the comparison must find it.
FAULTS = {
    "pixels": lambda case: case.pixels.values.__iadd__(1.0),
    "unit": lambda case: setattr(case, "unit", None if case.unit is not None else 1),
    "mask": lambda case: case.planes["mask"].values.__setitem__((3, 3), True),
    "noise": lambda case: next(p for p in case.planes.values() if p.bad is not None)
    .values.__imul__(1.01),
    "sky": lambda case: setattr(
        case.sky, "where", lambda x, y, right=case.sky.where: right(x + 0.01, y)
    ),
    "positions": lambda case: setattr(case.sky, "verdict", "void"),
}  # fmt: skip


def _suits(case, fault):
    """Whether a structure has what a fault is of."""
    noise = any(p.bad is not None for p in case.planes.values())
    mask = "mask" in case.planes and not case.mask[3, 3]
    sound = case.sky.verdict == "sound" and not case.sky.must_say
    known = not case.unknown
    return {
        "noise": noise, "mask": mask, "sky": sound, "positions": sound, "unit": known,
    }.get(fault, True)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_comparison_finds_what_is_wrong(tmp_path, fault):
    found = 0
    for n in range(60):
        case = draw_case((7, n), tmp_path)
        try:
            verdict = check.check_case(case, np.random.default_rng(n))
            if case.refusals or verdict.refused or not _suits(case, fault):
                continue
            assert not verdict.wrong
            FAULTS[fault](case)
            assert check.check_case(case, np.random.default_rng(n)).wrong, n
            found += 1
        finally:
            case.close()
        if found == 3:
            return
    pytest.fail("no structure suits")


def test_astropy_reads_the_same_pixels_where_it_is_right(tmp_path):
    """A second opinion on what the structures are: plain images without BLANK or asinh."""
    compared = 0
    for n in range(40):
        case = draw_case((9, n), tmp_path)
        case.close()
        if case.refusals or {"E", "K"} & case.kinds or not isinstance(case.given, str | Path):
            continue
        path = str(case.given).partition("[")[0]
        hdu = case.options.get("hdu")
        if not isinstance(hdu, int):
            continue
        with fits.open(path) as hdus:
            pixels = np.asarray(hdus[hdu].data, np.float64).reshape(case.shape)
        true = case.pixels.values
        near = case.pixels.tolerance + 1e-5 * np.abs(true)
        good = np.isfinite(true)
        assert (np.abs(pixels - true)[good] <= near[good]).all()
        assert not np.isfinite(pixels[~good]).any()
        compared += 1
    assert compared > 3
