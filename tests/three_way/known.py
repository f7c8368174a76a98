"""What is known to differ, and why: each is a line of docs/differences.md."""

from tests.three_way.cases import Case
from tests.three_way.compare import Divergence

__all__ = ["COLUMNS", "KNOWN", "reason"]

RIDGE = "`centroid_quad` of 3 x 3 pixels without curvature along a line"
SEARCH = "`centroid_win` of sources of a few pixels"
EDGE = "`kron_radius` where the edge of the aperture lies exactly on centres or edges of pixels"
ROUND = "`eccentricity` and `orientation` of round sources"
#: The lines of docs/differences.md.
KNOWN = (RIDGE, SEARCH, EDGE, ROUND)
#: Column, under photutils' name -> the line that may explain a difference of it.
COLUMNS = {
    "centroid_quad": RIDGE,
    "centroid_quad_err": RIDGE,
    "centroid_quad_fallback": RIDGE,
    "cutout_centroid_quad": RIDGE,
    "x_centroid_quad": RIDGE,
    "x_centroid_quad_err": RIDGE,
    "y_centroid_quad": RIDGE,
    "y_centroid_quad_err": RIDGE,
    "centroid_win": SEARCH,
    "centroid_win_err": SEARCH,
    "centroid_win_fallback": SEARCH,
    "cutout_centroid_win": SEARCH,
    "x_centroid_win": SEARCH,
    "x_centroid_win_err": SEARCH,
    "y_centroid_win": SEARCH,
    "y_centroid_win_err": SEARCH,
    "kron_flux": EDGE,
    "kron_flux_err": EDGE,
    "kron_radius": EDGE,
    "kron_radius_measured": EDGE,
    "eccentricity": ROUND,
    "orientation": ROUND,
    "flags": EDGE,
}


def reason(case: Case, divergence: Divergence, others: list[Divergence]) -> str | None:
    """Return why answers differ, as docs/differences.md says it; `None` where nothing is known.

    Which of the reasons it is goes by the column: `tests.three_way.test_three_way` sees that there
    are few.
    """
    why = COLUMNS.get(divergence.what)
    mine = {other.what for other in others if other.who == divergence.who}
    if why == RIDGE and "centroid_quad_fallback" not in mine:  # where rounding makes no maximum
        return None
    if divergence.what == "flags" and "kron_radius" not in mine:  # they tell of the aperture
        return None
    if why == SEARCH and divergence.who == "device":
        # The same bits, but where Kron radii differ, from which the sizes of windows follow.
        return EDGE if EDGE in {COLUMNS.get(what) for what in mine} else None
    if (
        why == ROUND
        and ("nan" if divergence.what == "eccentricity" else "90.0") not in divergence.how
    ):
        return None
    return why
