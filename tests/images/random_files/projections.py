"""From pixels to the sky by formulas of our own (Calabretta & Greisen 2002, A&A 395, 1077)."""

import numpy as np

__all__ = ["ZENITHAL", "matrix_of", "on_sky", "sip", "tpv"]

#: Zenithal projections -> the angle to the reference point for a radius in radians (their section
#: 5.1).
ZENITHAL = {
    "TAN": np.arctan,
    "SIN": np.arcsin,
    "STG": lambda r: 2 * np.arctan(r / 2),
    "ZEA": lambda r: 2 * np.arcsin(r / 2),
    "ARC": lambda r: r,
}


def matrix_of(form, scales, angle):
    """Return the matrix and the cards of a rotation in one of the forms that headers have.

    Parameters
    ----------
    form : {"CDELT", "CROTA", "PC", "CD"}
        Which.
    scales : tuple of float
        Degrees per pixel of both axes.
    angle : float
        The rotation, in degrees; "CDELT" has none.
    """
    angle = 0.0 if form == "CDELT" else angle
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    sx, sy = scales
    deltas = [("CDELT1", sx), ("CDELT2", sy)]
    if form == "PC":
        turn = np.array([[c, -s], [s, c]])
        cards = [*deltas, *((f"PC{i + 1}_{j + 1}", turn[i, j]) for i in (0, 1) for j in (0, 1))]
        return np.diag(scales) @ turn, cards
    # CROTA2 turns by this matrix (their equation 189).
    matrix = np.array([[sx * c, -sy * s], [sx * s, sy * c]])
    if form == "CD":
        return matrix, [(f"CD{i + 1}_{j + 1}", matrix[i, j]) for i in (0, 1) for j in (0, 1)]
    return matrix, deltas if form == "CDELT" else [*deltas, ("CROTA2", angle)]


def sip(coefficients, u, v):
    """Return what a polynomial of SIP adds: coefficients by the powers of u and v."""
    return sum(value * u**p * v**q for (p, q), value in coefficients.items())


def tpv(coefficients, xi, eta):
    """Return an intermediate coordinate that TPV distorts: the first eight terms."""
    r = np.hypot(xi, eta)
    terms = {0: 1.0, 1: xi, 2: eta, 3: r, 4: xi**2, 5: xi * eta, 6: eta**2, 7: xi**3}
    return sum({1: 1.0, **coefficients}.get(n, 0.0) * term for n, term in terms.items())


def on_sky(projection, xi, eta, reference):
    """Return longitude and latitude of intermediate coordinates, all in degrees."""
    x, y = np.radians(xi), np.radians(eta)
    lon0, lat0 = np.radians(reference)
    r = np.hypot(x, y)
    away = ZENITHAL[projection](r)
    safe = np.where(r == 0, 1.0, r)
    lat = np.arcsin(np.cos(away) * np.sin(lat0) + y * np.sin(away) * np.cos(lat0) / safe)
    lon = lon0 + np.arctan2(
        x * np.sin(away), r * np.cos(lat0) * np.cos(away) - y * np.sin(lat0) * np.sin(away)
    )
    lon = np.where(r == 0, lon0, lon)
    return np.degrees(lon) % 360, np.degrees(lat)
