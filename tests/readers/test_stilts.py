"""STILTS, and so TOPCAT, reads every format with units, descriptions and UCDs, and matches by sky.

It is Debian's package ``stilts``, with ``starlink-ecsv-java`` for ECSV, or a `STILTS` of one's own.
"""

import os
import shutil
import subprocess

import numpy as np
import pytest
from astropy.table import Table

STILTS = os.environ.get("STILTS") or shutil.which("stilts")
pytestmark = pytest.mark.skipif(STILTS is None, reason="STILTS is not installed")
#: Of the formats that STILTS tells by their content it is not told which it is.
TOLD = {"ecsv": "ecsv", "csv": "csv"}


def stilts(*arguments):
    """Run STILTS and return what it prints."""
    done = subprocess.run(
        [STILTS, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    if "No table handler available" in done.stderr or "Unknown format" in done.stderr:
        pytest.skip(f"this STILTS lacks a reader: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_by_stilts(path, format, tmp_path, *steps):
    """Return a table that STILTS has read, as astropy reads what STILTS makes of it."""
    out = tmp_path / "out.csv"
    told = [f"ifmt={TOLD[format]}"] if format in TOLD else []
    stilts("tpipe", f"in={path}", *told, *(f"cmd={step}" for step in steps), f"out={out}",
           "ofmt=csv")  # fmt: skip
    return Table.read(out, format="ascii.csv")


@pytest.mark.parametrize("format", ["fits", "votable", "ecsv", "csv"])
def test_values_are_read(catalogs, expected, format, tmp_path):
    table = read_by_stilts(catalogs[format], format, tmp_path)
    for name, (values, *_) in expected.items():
        if values.dtype.kind == "U":
            assert table[name].tolist() == values.tolist()
        else:
            np.testing.assert_allclose(np.ma.filled(table[name], np.nan), values, rtol=1e-15)


@pytest.mark.parametrize("format", ["fits", "votable", "ecsv"])
def test_units_descriptions_and_ucds_are_read(catalogs, expected, format, tmp_path):
    if format == "ecsv":  # its header has no UCDs that STILTS looks for
        expected = {name: (*said[:3], "") for name, said in expected.items()}
    table = read_by_stilts(catalogs[format], format, tmp_path, "meta name units description ucd")
    said = {row["Name"]: row for row in table.filled("")}
    for name, (_, unit, description, ucd) in expected.items():
        assert (said[name]["Units"] if "Units" in table.colnames else "") == unit
        assert said[name]["Description"] == description
        if ucd:
            assert said[name]["UCD"] == ucd


@pytest.mark.parametrize("format", ["votable", "ecsv", "csv"])
def test_catalogs_are_matched_by_position_without_a_word(catalogs, found, format, tmp_path):
    out = tmp_path / "matched.fits"
    told = [f"ifmt2={TOLD[format]}"] if format in TOLD else []
    stilts("tskymatch2", f"in1={catalogs['fits']}", f"in2={catalogs[format]}", *told,
           "error=0.02", f"out={out}")  # fmt: skip
    assert len(Table.read(out)) == len(found.table)


def test_the_votable_is_valid(catalogs):
    assert stilts("votlint", f"votable={catalogs['votable']}") == ""


def test_the_objects_of_ldac_are_read(catalogs, found, tmp_path):
    table = read_by_stilts(f"{catalogs['ldac']}#2", "ldac", tmp_path)
    np.testing.assert_allclose(table["X_IMAGE"], found.table["xcentroid"] + 1, rtol=1e-14)
    np.testing.assert_allclose(table["FLUX_AUTO"], found.table["kron_flux"].value, rtol=1e-15)
