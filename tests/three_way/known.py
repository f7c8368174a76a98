"""What is known to differ, and why: each is a line of docs/differences.md."""

from tests.three_way.cases import Case
from tests.three_way.compare import Divergence

__all__ = ["KNOWN", "reason"]

RIDGE = "`centroid_quad` of 3 x 3 pixels without curvature along a line"
SEARCH = "`centroid_win` of sources of a few pixels"
EDGE = "`kron_radius` where the edge of the aperture lies exactly on centres or edges of pixels"
ROUND = "`eccentricity` of round sources"
#: The lines of docs/differences.md.
KNOWN = (RIDGE, SEARCH, EDGE, ROUND)


def reason(case: Case, divergence: Divergence, others: list[Divergence]) -> str | None:
    """Return why answers differ, as docs/differences.md says it; `None` where nothing is known.

    Which of the reasons it is goes by the column: `tests.three_way.test_three_way` sees that there
    are few.
    """
    name = divergence.what
    if "_quad" in name and case.data.dtype.kind in "iu":
        return RIDGE
    if "_win" in name:
        return SEARCH
    if "kron" in name:
        return EDGE
    if name == "eccentricity" and "nan" in divergence.how:
        return ROUND
    return None
