"""Which suites are run, and what each needs.

The versions are pinned by the extra ``clients`` of pyproject.toml. The suites are those that the
installed packages hold; petrofit's wheel lacks the data of its tests, so that it takes part only
where a checkout has them.
"""

from typing import NamedTuple

__all__ = ["SUITES", "Suite"]


class Suite(NamedTuple):
    """A package whose tests are run.

    Attributes
    ----------
    name : str
        The package.
    pytest : tuple of str
        Arguments of pytest besides the package.
    references : bool
        Whether reference files of its observatory must be made up (`tests.clients.references`).
    data : str
        The folder of its tests' data in a checkout of its repository, if the wheel lacks it.
    """

    name: str
    pytest: tuple[str, ...] = ()
    references: bool = False
    data: str = ""


SUITES = (
    Suite("statmorph"),
    Suite("petrofit", data="petrofit/tests/data"),
    Suite("romancal.source_catalog", references=True),
    # Injected sources need reference files of the telescope that can't be made up.
    Suite("romancal.multiband_catalog", ("-k", "not injection"), references=True),
    Suite("jwst.source_catalog", references=True),
    Suite("jwst.tweakreg", references=True),
)
