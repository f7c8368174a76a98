"""Lists of positions in files, as SExtractor's ASSOC reads them."""

from collections.abc import Sequence

import numpy as np

from skyshed.chain.association import KINDS, SELECTIONS, Association

__all__ = ["KINDS", "SELECTIONS", "Association", "read_association"]


def read_association(
    path: str,
    places: Sequence[int] = (2, 3, 4),
    data: Sequence[int] = (2, 3, 4),
    *,
    radius: float = 2.0,
    kind: str = "nearest",
    select: str = "matched",
    world: bool = False,
) -> Association:
    r"""Read a list of positions: a text with a row of numbers for each, ``#`` before comments.

    Parameters
    ----------
    path : str
        The file, ASSOC_NAME.
    places : sequence of int, optional
        The columns of x and y, which count from 1 (ASSOC_PARAMS); others are not looked at.
        Positions in pixels count from 1, too, as SExtractor's.
    data : sequence of int, optional
        The columns whose values the table gets (ASSOC_DATA); 0 for all.
    radius, kind, select, world
        See `Association`: ASSOC_RADIUS, ASSOC_TYPE, ASSOCSELEC_TYPE, ASSOCCOORD_TYPE.

    Raises
    ------
    ValueError
        If the file has no such columns, or numbers cannot be read.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skyshed.sextractor.association import read_association
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "sky.list"
    >>> _ = path.write_text("# number x y mag\n1 11.0 21.0 17.5\n2 50.0 60.0 19.0\n")
    >>> stars = read_association(str(path), data=(4,))
    >>> stars.x.tolist(), stars.values.tolist()
    ([10.0, 49.0], [[17.5], [19.0]])
    """
    try:
        rows = np.loadtxt(path, comments="#", ndmin=2)
    except ValueError as error:
        raise ValueError(f"{path} must have rows of numbers: {error}") from None
    width = rows.shape[1]
    wanted = range(1, width + 1) if tuple(data) == (0,) else data
    for name, each in (("places", places[:2]), ("data", wanted)):
        bad = [number for number in each if not 1 <= number <= width]
        if bad or len(places) < 2:
            raise ValueError(
                f"{name} must be columns of {path}, which has {width}, from 1; got {bad or places}"
            )
    x, y = (rows[:, place - 1] - (0 if world else 1) for place in places[:2])
    values = rows[:, [number - 1 for number in wanted]]
    return Association(x, y, values, radius, kind, select, world)
