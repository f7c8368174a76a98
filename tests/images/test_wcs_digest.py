"""Two WCS that give other positions have other checksums, two that give the same have one."""

import numpy as np
import pytest
from astropy.wcs import WCS, DistortionLookupTable, Sip

from skyshed.images.wcs_digest import wcs_digest
from tests.pipeline_field import PlainWCS, make_wcs

SHAPE = (60, 80)


def changed(**numbers):
    wcs = make_wcs()
    for name, value in numbers.items():
        setattr(wcs.wcs, name, value)
    return wcs


def with_sip(coefficient):
    wcs = make_wcs()
    a = np.zeros((3, 3))
    a[0, 2] = coefficient
    wcs.sip = Sip(a, np.zeros((3, 3)), None, None, wcs.wcs.crpix)
    return wcs


def with_table(value):
    wcs = make_wcs()
    table = np.zeros((4, 5), np.float32)
    table[1, 2] = value
    wcs.cpdis1 = DistortionLookupTable(table, (1, 1), (1, 1), (20, 20))
    return wcs


def with_pv(value):
    wcs = make_wcs()
    wcs.wcs.ctype = "RA---TPV", "DEC--TPV"
    wcs.wcs.set_pv([(1, 1, value), (2, 1, 1.0)])
    return wcs


def of_no_library(wcs):
    plain = PlainWCS()
    plain.inner = wcs
    return plain


ONES = {
    "crval": lambda: changed(crval=(10.0, 20.0)),
    "crval, a bit away": lambda: changed(crval=(np.nextafter(10.0, 11.0), 20.0)),
    "crpix": lambda: changed(crpix=(1 / 3, 2.0)),
    "lonpole": lambda: changed(lonpole=170.0),
    "equinox": lambda: changed(equinox=1975.0, radesys="FK5"),
    "ctype": lambda: changed(ctype=("RA---SIN", "DEC--SIN")),
    "sip": lambda: with_sip(1e-7),
    "another sip": lambda: with_sip(2e-7),
    "table": lambda: with_table(0.1),
    "another table": lambda: with_table(0.2),
    "pv": lambda: with_pv(1.0),
    "another pv": lambda: with_pv(1.1),
    "of no library": lambda: of_no_library(make_wcs()),
    "of no library, moved": lambda: of_no_library(changed(crval=(10.0, 20.0))),
}


def test_what_gives_other_positions_is_told_apart():
    digests = [wcs_digest(make(), SHAPE) for make in (make_wcs, *ONES.values())]
    assert len(set(digests)) == len(ONES) + 1
    assert wcs_digest(None, SHAPE) is None


@pytest.mark.parametrize("name", ONES)
def test_what_is_made_anew_is_the_same(name):
    assert wcs_digest(ONES[name](), SHAPE) == wcs_digest(ONES[name](), SHAPE)


def test_nothing_is_changed():
    wcs = with_table(0.1)
    before = wcs.to_header_string(relax=True), wcs.wcs_pix2world([[3, 4]], 0).tolist()
    wcs_digest(wcs, SHAPE)
    assert (wcs.to_header_string(relax=True), wcs.wcs_pix2world([[3, 4]], 0).tolist()) == before


def test_an_empty_wcs_has_a_checksum():
    assert wcs_digest(WCS(naxis=2), SHAPE) != wcs_digest(make_wcs(), SHAPE)
