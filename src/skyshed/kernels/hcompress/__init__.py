"""Tiles compressed by HCOMPRESS_1, looked through before a library decodes them.

R. L. White's coding as FITS has it (FITS standard 4.0, section 10.4.4, and the programs that it
names): a header, the bit planes of the four quadrants of the transformed tile, as quadtrees in a
fixed Huffman code or as they are, and the signs.
"""

from typing import Any

from skyshed.kernels import operation

__all__ = ["check_tiles"]


@operation
def check_tiles(stream: Any, tiles: Any, wide: bool, n_threads: int | None) -> Any:
    """Follow the codes of tiles to their ends, as a decoder does, and write no pixels.

    Parameters
    ----------
    stream : NumPy array of uint8, shape (n_bytes,)
        The bytes of the tiles.
    tiles : NumPy array of int64, shape (n, 4)
        Of each tile: where its bytes begin in ``stream``, how many there are, and how many rows and
        columns of pixels it has.
    wide : bool
        Whether its numbers are decoded to 64 bits, not to 32.
    n_threads : int or None
        Threads; no effect on the result.

    Returns
    -------
    array of int32, shape (n,)
        0 for a tile that can be decoded; 1 if its bytes end before its pixels do, 2 if its header
        is none, 3 if it is that of a tile of another size, 4 if it has a code that there is not, or
        more bit planes than numbers have bits.
    """
