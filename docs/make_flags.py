"""Write flags.md from the flags themselves: python docs/make_flags.py."""

import re
from pathlib import Path

from skyshed import SEGMENTATION_FLAGS, decode_segmentation_flags
from skyshed.flags import USUAL

PAGE = Path(__file__).with_name("flags.md")

HEAD = """# Flags

Made from `skyshed.SEGMENTATION_FLAGS` by `docs/make_flags.py`. The column `flags` of a catalog is a
sum of bits, 0 where there is nothing to say; names and bits are those of photutils 3.1, and one
more.

    >>> from skyshed import SEGMENTATION_FLAGS, decode_segmentation_flags
    >>> decode_segmentation_flags(48)
    ['edge_touch', 'deblended']
    >>> 48 & SEGMENTATION_FLAGS.DEBLENDED
    32

`catalog.decode_flags()` does so for all sources of a catalog. A flag is no verdict: a source at the
edge may be a good detection with a bad flux. What to leave out depends on what is done with it:

| for | leave out |
| --- | --- |
| counts, completeness | `all_masked` |
| total fluxes (`kron_flux`) | `kron_undefined`, `kron_partial_overlap`, `edge_touch`, `saturated` |
| shapes | `undefined_shape`, `singular_covariance`, `edge_touch`, `saturated` |
| colors from apertures | `masked_pixels`, `saturated` |

The summary of a run and its report call sources doubtful that have others than the usual flags,
which only tell how a source was found and measured: {usual}.

| bit | name | when it is set |
| --- | --- | --- |
"""


def page() -> str:
    """Return the text of flags.md."""
    rows = (
        f"| {flag.bit_value} | `{flag.name}` | {re.sub('`+', '`', flag.detailed_description)} |\n"
        for flag in SEGMENTATION_FLAGS.all_flags
    )
    usual = ", ".join(f"`{name}`" for name in decode_segmentation_flags(USUAL))
    return HEAD.format(usual=usual) + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
