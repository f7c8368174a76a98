"""A run says what it found in four lines, in a log what it does, and nothing to Python's users."""

import logging
import re
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from scipy.ndimage import gaussian_filter

from skyshed import extract, extract_bands
from skyshed.chain.progress import TileProgress
from skyshed.cli import main, make_parser
from skyshed.extraction.summary import FlagCounts, summary
from skyshed.flags import SEGMENTATION_FLAGS, USUAL
from skyshed.log import LOGGER
from tests.pipeline_field import make_field, make_wcs


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.fits"
    header = make_wcs().to_header()
    fits.PrimaryHDU(make_field(), header).writeto(path)
    return str(path)


def run(image, *options, out="out"):
    """Run a command that must succeed."""
    folder = image.replace("image.fits", out)
    assert main(["extract", image, "--out", folder, "--no-preview", *options]) == 0


AB = ("--zero-point", "25", "--zero-point-system", "AB")


def test_four_lines_say_what_was_found(image, capsys):
    run(image, *AB)
    shown = capsys.readouterr()
    assert shown.err == ""
    background, depth, sources, time = shown.out.splitlines()[-4:]
    found = extract(image, zero_point=25.0, zero_point_system="AB")
    row = found.tiles[0]
    assert (
        background
        == f"background {row['background']:.4g}, noise {row['background_rms']:.4g} a pixel; "
        "errors without the sources' own (no effective_gain)"
    )
    number, magnitude = re.fullmatch(
        r"depth (\S+), (\S+) AB mag: 5 sigma in a circle of 6 pixels across \(\S+ arcsec\)", depth
    ).groups()
    expected = 5 * row["background_rms"] * np.sqrt(np.pi * 3.0**2)
    assert float(number) == pytest.approx(expected, rel=1e-3)
    assert float(magnitude) == pytest.approx(25 - 2.5 * np.log10(expected), abs=0.006)
    n, detected, split, doubtful, name, most = re.fullmatch(
        r"(\d+) sources \((\d+) detected, (\d+) of them split\); (\d+) are doubtful by "
        r"their flags, mostly (\w+) \((\d+)\)", sources,
    ).groups()  # fmt: skip
    whole = extract(image, deblend=False)
    assert (int(n), int(detected)) == (len(found.table), len(whole.table))
    assert int(n) > int(detected) > int(split) > 0
    flags = found.table["flags"] & ~USUAL
    assert 0 < int(doubtful) == np.count_nonzero(flags)
    assert int(most) == np.count_nonzero(flags & SEGMENTATION_FLAGS.get_bit_value(name))
    assert re.fullmatch(r"[\d.]+ s \(background [\d.]+, detect [\d.]+, .*\)", time)


def test_a_gain_or_an_error_is_what_the_errors_of_sources_need():
    data = np.random.default_rng(1).normal(10, 1, (128, 128))
    data[30:34, 60:64] += 50
    for options in ({"effective_gain": 2.0}, {"error": np.ones(data.shape)}):
        assert "sources' own" not in summary(extract(data, nsigma=5, **options), 1.0)[0]
    assert "sources' own" in summary(extract(data, nsigma=5), 1.0)[0]


def test_the_depth_knows_how_the_noise_is_correlated():
    data = gaussian_filter(np.random.default_rng(1).normal(0, 1, (256, 256)), 1.2)
    data[100:104, 100:104] += 20
    found = extract(10 + data / data.std(), background_passes=2)
    depth = float(re.match(r"depth ([\d.]+)", summary(found, 1.0)[1])[1])
    assert depth == pytest.approx(float(np.nanmedian(np.asarray(found.depth(3)))), rel=0.02)
    alone = extract(10 + data / data.std(), background_passes=2, correlated_noise=False)
    assert depth > 2 * float(re.match(r"depth ([\d.]+)", summary(alone, 1.0)[1])[1])


def test_tiles_say_the_same_and_a_log_without_a_terminal_how_they_get_on(image, capsys):
    run(image)
    whole = capsys.readouterr().out.splitlines()[-4:]
    run(image, "--memory", "600MB", "--workspace", image + ".work", out="tiled")
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-4:-1] == whole[:3]
    phases = [line.partition(":")[0] for line in shown.err.splitlines()]
    assert list(dict.fromkeys(phases)) == ["background", "detect", "deblend", "measure"]


def test_shares_of_many_tiles_are_told(caplog):
    caplog.set_level(logging.INFO, logger="skyshed")
    with TileProgress(40, False) as begin:
        finished = begin("detect", 4, 40)
        for _ in range(36):
            finished()
    assert caplog.messages[0] == "detect: 40 tiles, 4 done before"
    assert caplog.messages[1:] == [f"detect: {percent} %" for percent in range(20, 101, 10)]


def test_quiet_says_nothing_verbose_what_is_done_and_the_log_all(image, capsys, tmp_path):
    run(image, "--quiet")
    assert capsys.readouterr() == ("", "")
    log = tmp_path / "run.log"
    run(image, "--verbose", "--log", str(log))
    printed = capsys.readouterr()
    shown = printed.err.splitlines()
    assert {"reading", "detection", "measurement", "writing"} <= set(shown)
    assert any(line.startswith("image: ") and "190 x 150 pixels" in line for line in shown)
    logged = log.read_text().splitlines()
    assert [line[32:] for line in logged] == [*shown, *printed.out.splitlines()[-4:]]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} DEBUG   ", logged[0])
    run(image, "--quiet", "--log", str(log))
    assert len(log.read_text().splitlines()) == 2 * len(logged)  # what was there stays
    assert not [each for each in LOGGER.handlers if not isinstance(each, logging.NullHandler)]


def test_errors_and_warnings_are_in_the_log_too(image, capsys, tmp_path):
    log = tmp_path / "run.log"
    run(image, "--nsigma", "1e6", "--log", str(log))
    assert main(["extract", "no.fits", "--out", str(tmp_path / "o"), "--log", str(log)]) == 2
    assert re.search(r"WARNING No sources were found", log.read_text())
    assert re.search(r"ERROR   no.fits: there is no such file", log.read_text())
    err = capsys.readouterr().err
    assert err.count("No sources were found") == err.count("there is no such file") == 1
    assert main(["extract", image, "--out", "o", "--log", str(tmp_path / "no" / "log")]) == 2


def test_python_is_silent_unless_it_asks(image):
    code = (
        "import logging, sys\nfrom skyshed import extract\n"
        "if sys.argv[2:]: logging.basicConfig(level='DEBUG', format='%(name)s %(message)s')\n"
        "extract(sys.argv[1])"
    )
    silent, asked = (
        subprocess.run(
            [sys.executable, "-c", code, image, *more], capture_output=True, text=True, check=True
        ).stderr
        for more in ([], ["asked"])
    )
    assert silent == ""
    assert "skyshed.progress detection" in asked


@pytest.mark.parametrize("command", ["extract", "survey", "quality"])
def test_every_command_that_runs_the_chain_can_log(command):
    given = make_parser().parse_args([command, "a", "--out", "o", "-v", "--log", "run.log"])
    assert (given.verbose, given.quiet, given.log) == (True, False, "run.log")


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "u8"])
def test_flags_of_any_integer_are_counted(dtype):
    counts = FlagCounts()
    counts.add(np.array([0, 3, 32, 16], dtype))
    assert counts.n_doubtful == 2


def test_of_bands_each_has_its_line():
    bands = {"g": make_field(), "r": 2 * make_field(seed=8) + 5}
    found = extract_bands(
        bands, zero_point={"g": 25.0, "r": 26.0}, zero_point_system="AB",
        effective_gain={"g": 2.0, "r": 1.0},
    )  # fmt: skip
    *each, depth, sources, _ = summary(found, 1.0)
    assert depth == "depth is 5 sigma in a circle of 6 pixels across"
    assert sources.startswith(f"{len(found.table)} sources (")
    assert len(each) == 2
    for line, zero_point in zip(each, (25.0, 26.0), strict=True):
        alone = summary(extract(bands[line[5]], zero_point=zero_point, zero_point_system="AB"), 1)
        background, _ = alone[0].split("; errors")
        depth, _ = alone[1].split(":")
        assert line == f"band {line[5]}: {background}, {depth}"
