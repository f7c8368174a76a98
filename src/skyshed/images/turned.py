"""A celestial WCS turned into the ICRS, from systems whose axes are fixed in it."""

from typing import Any

import numpy as np

__all__ = ["turn_to_icrs"]

#: Parameters of the longitude axis that move the fiducial point or the pole (FITS standard 4.0,
#: section 8.3); in TPV they are those of the distortion.
OF_THE_POLE = range(5)
#: The equinox of ecliptic coordinates where none is given.
EQUINOX = 2000.0
#: Ecliptic coordinates of earlier equinoxes are of FK4 unless RADESYS says otherwise.
FIRST_OF_FK5 = 1984.0
#: What an equinox can be, in years; instruments write 0 where they know none.
FIRST, LAST = 1800.0, 2100.0
#: Where, in degrees from the reference point, it is tried whether positions stayed the same, and
#: by how many degrees they may differ: 0.1 mas.
PROBES = np.array([[0, 0], [1, 0], [0, 1], [-1, -1], [0.1, -0.2]])
LARGEST_OFFSET = 0.0001 / 3600


def turn_to_icrs(wcs: Any) -> str | None:
    """Make right ascension and declination in the ICRS of the coordinates that a WCS has.

    Systems differ by a rotation of the sphere, and so does what is projected: another reference
    point and another pole say the same. No position is changed.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        A WCS of ecliptic (the mean ecliptic and equinox of EQUINOX) or supergalactic coordinates,
        of one's own: it is changed in place.

    Returns
    -------
    why_not : str or None
        Why it cannot be done; `None` if it was.

    Examples
    --------
    >>> from astropy.wcs import WCS
    >>> from skyshed.images.turned import turn_to_icrs
    >>> wcs = WCS(naxis=2)
    >>> wcs.wcs.ctype = "ELON-TAN", "ELAT-TAN"
    >>> wcs.wcs.crval = 90, 0
    >>> turn_to_icrs(wcs)
    >>> [f"{angle:.4f}" for angle in wcs.wcs.crval]
    ['90.0000', '23.4393']
    """
    inner = wcs.wcs
    inner.set()
    lng = inner.lng
    projection = inner.ctype[lng][4:]
    moved = [m for axis, m, _ in inner.get_pv() if axis == lng + 1 and m in OF_THE_POLE]
    if moved and not projection.startswith("-TPV"):
        return f"PV{lng + 1}_{moved[0]} moves the reference point of {inner.ctype[lng]!r}"
    system = inner.radesys.strip().upper()
    equinox = EQUINOX if np.isnan(inner.equinox) else float(inner.equinox)
    ecliptic = inner.ctype[lng].startswith("ELON")
    if ecliptic and not FIRST <= equinox <= LAST:
        return f"EQUINOX = {equinox:g} is no year from {FIRST:g} to {LAST:g}"
    if ecliptic and (system.startswith("FK4") or (not system and equinox < FIRST_OF_FK5)):
        return f"the ecliptic of FK4 (EQUINOX = {equinox:g}) is not known to astropy"
    before = wcs.deepcopy()
    turn = _rotation(equinox if ecliptic else None)
    _turn(inner, turn, projection)
    if _is_turned(before, wcs, turn):
        return None
    return f"{before.wcs.ctype[lng]!r} cannot be turned to the ICRS"


def _turn(inner: Any, turn: Any, projection: str) -> None:
    """Give a WCS the reference point and pole that the turned axes see it with."""
    lng, lat = inner.lng, inner.lat
    longitude, colatitude, pole = np.deg2rad(inner.cel.euler[:3])
    # From native axes to celestial ones: Calabretta & Greisen 2002, A&A 395, 1077, equation 2.
    whole = turn @ _about_z(longitude) @ _about_y(colatitude) @ _about_z(np.pi - pole)
    reference = turn @ _vector(np.deg2rad(inner.crval[lng]), np.deg2rad(inner.crval[lat]))
    types, values = list(inner.ctype), np.array(inner.crval)
    types[lng], types[lat] = f"RA--{projection}", f"DEC-{projection}"
    values[lng] = np.rad2deg(np.arctan2(reference[1], reference[0])) % 360
    values[lat] = np.rad2deg(np.arctan2(reference[2], np.hypot(reference[0], reference[1])))
    inner.ctype, inner.crval = types, values
    inner.lonpole = float(np.rad2deg(np.arctan2(whole[2, 1], whole[2, 0])))
    inner.latpole = float(np.rad2deg(np.arctan2(whole[2, 2], np.hypot(whole[0, 2], whole[1, 2]))))
    inner.radesys, inner.equinox = "ICRS", np.nan
    inner.set()


def _is_turned(before: Any, after: Any, turn: Any) -> bool:
    """Whether pixels around the reference pixel are where they were."""
    pixels = before.wcs.crpix + PROBES / np.abs(before.pixel_scale_matrix).max()
    old, new = (
        _vector(*np.deg2rad(each.wcs.p2s(pixels, 1)["world"].T[[each.wcs.lng, each.wcs.lat]]))
        for each in (before, after)
    )
    there = np.isfinite(old).all(axis=0)
    offset = np.linalg.norm((turn @ old)[:, there] - new[:, there], axis=0)
    return bool(np.all(offset <= np.deg2rad(LARGEST_OFFSET)))


def _vector(longitude: Any, latitude: Any) -> Any:
    """Return the direction of angles in radians."""
    return np.array(
        [
            np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ]
    )  # fmt: skip


def _about_z(angle: float) -> Any:
    """Return the matrix that turns vectors about z."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _about_y(angle: float) -> Any:
    """Return the matrix that turns vectors about y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _rotation(equinox: float | None) -> Any:
    """Return the matrix from ecliptic (or, without an equinox, supergalactic) axes to the ICRS."""
    from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord, Supergalactic
    from astropy.time import Time

    frame = (
        Supergalactic() if equinox is None
        else BarycentricMeanEcliptic(equinox=Time(equinox, format="jyear"))
    )  # fmt: skip
    axes = SkyCoord([0, 90, 0], [0, 0, 90], unit="deg", frame=frame)
    return np.asarray(axes.icrs.cartesian.xyz)
