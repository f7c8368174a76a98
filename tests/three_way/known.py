"""What is known to differ, and why: each is a line of docs/differences.md."""

from tests.three_way.cases import Case
from tests.three_way.compare import Divergence

__all__ = ["KNOWN", "reason"]

RIDGE = "`centroid_quad` of 3 x 3 pixels without curvature along a line"
SEARCH = "`centroid_win` of sources of a few pixels"
KRON = "`kron_radius` and what follows of integer images"
#: The lines of docs/differences.md.
KNOWN = (RIDGE, SEARCH, KRON)


def reason(case: Case, divergence: Divergence, others: list[Divergence]) -> str | None:
    """Return why answers differ, as docs/differences.md says it; `None` where nothing is known."""
    name = divergence.what
    integer = case.data.dtype.kind in "iu"
    kron = any("kron" in each.what and each.who == divergence.who for each in others)
    if "_quad" in name and integer:
        return RIDGE
    if "kron" in name and integer and divergence.who == "photutils":
        return KRON
    if "_win" in name:
        return KRON if kron and integer else SEARCH
    return None
