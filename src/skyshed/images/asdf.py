"""ASDF files, such as those of the Roman Space Telescope: ``roman.asdf[data]``.

Images in blocks that are not compressed are read by windows. This module is not imported with the
package ``asdf``: that is loaded when a file is.
"""

import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skyshed.cached import cached_property
from skyshed.images.arrays import ArraySource
from skyshed.images.asdf_blocks import Block, blocks_in, check_md5, is_in_asdf, unpacked
from skyshed.images.cards import Cards
from skyshed.images.doubted import warn_of_image
from skyshed.images.fingerprint import file_facts, file_origin
from skyshed.images.given_wcs import own_wcs
from skyshed.images.headers import split_path, unit_of, unknown_unit
from skyshed.images.open import OpenedImage, register
from skyshed.images.pixels import RefusedError, image_axes, native, reading_errors
from skyshed.images.source import ImageSource
from skyshed.images.stored_rows import read_rows
from skyshed.images.window import Window
from skyshed.messages import one_line
from skyshed.optional import need

if TYPE_CHECKING:
    from skyshed.images.asdf_tree import Node

__all__ = ["AsdfSource"]

#: What the tag of a WCS begins with that the package gwcs reads.
GWCS = "gwcs/wcs-"


@dataclass(frozen=True, eq=False)
class AsdfSource(ImageSource):
    """An image in a block of an ASDF file that is not compressed.

    Attributes
    ----------
    path : str
        The file.
    key : str
        Where it is in the tree.
    shape : tuple of int
        The shape of the image.
    stored : dtype
        Of the pixels, in the byte order of the file.
    begins : int
        The byte at which the first pixel is.
    unit : `~astropy.units.UnitBase` or None
        Of the pixels, if the file says it.
    unknown_unit : str
        What the file says the unit is, where that is not known.
    came_from : mapping
        What `origin` returns.
    wcs_key : str
        Where its WCS is in the tree; empty if it has none that can be read.
    header : Cards or None
        The texts and numbers of the tree.
    """

    path: str
    key: str
    shape: tuple[int, int]
    stored: np.dtype
    begins: int
    unit: Any = None
    unknown_unit: str = ""
    came_from: Mapping[str, Any] = field(default_factory=dict)
    wcs_key: str = ""
    header: Cards | None = None

    unit_from_header = True

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        """The dtype of what `read` returns."""
        return self.stored.newbyteorder("=")

    @property
    def label(self) -> str:
        """What messages call the image."""
        return f"{self.path}[{self.key}]"

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS, None where the file has none; every process reads it."""
        return _read_wcs(self.path, self.wcs_key, self.shape, self.label)

    def read(self, window: Window) -> Any:
        """Return the pixels of a window as a new NumPy array; see `ImageSource.read`."""
        with reading_errors(self.label, window):
            return read_rows(self.path, self.begins, self.shape, self.stored, window)

    def lacks(self, window: Window) -> str:
        """Say why a window cannot be in the file, by its size; see `ImageSource.lacks`."""
        pixels = (window.y1 - 1) * self.shape[1] + window.x1
        end, size = self.begins + pixels * self.stored.itemsize, os.path.getsize(self.path)
        if end <= size:
            return ""
        return f"{end} bytes of the file are needed, and the file has {size}: it is cut off"

    def doubts(self) -> list[str]:
        """Compare the block with the checksum in its header; see `ImageSource.doubts`."""
        for block in blocks_in(self.path):
            if block.begins <= self.begins < block.begins + block.size:
                check_md5(self.path, block, self.label)
        return []

    def origin(self) -> dict[str, Any]:
        """Return the file and the array; see `ImageSource.origin`."""
        return dict(self.came_from)

    def fingerprint(self) -> dict[str, Any]:
        """Return the file, its size and time, and the array; see `ImageSource.fingerprint`."""
        return {**file_facts(self.path), "key": self.key, **self.description()}

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "wcs"}
        return {**state, "header": None}


@register(is_in_asdf, has_hdus=True)
def open_asdf(
    given: str | os.PathLike[str], name: str, hdu: int | str | tuple[str, int] | None
) -> OpenedImage:
    """Open an array of an ASDF file; one that is compressed is kept in memory."""
    from skyshed.images.asdf_tree import chosen, images_of_tree, scalars_of

    file, named = split_path(given)
    if named is not None and hdu is not None and hdu != named:
        raise RefusedError(f"the array is given twice: as hdu={hdu!r} and in {os.fspath(given)!r}")
    wanted = named if hdu is None else str(hdu)
    tree, tag_of = _tree(file)
    node = chosen(images_of_tree(tree, tag_of), wanted, file)
    label = f"{file}[{node.key}]"
    rows, columns = image_axes(node.shape, label)
    source = AsdfSource(
        os.path.abspath(file), node.key, (node.shape[rows], node.shape[columns]), node.dtype, 0,
        unit_of(node.unit, label), unknown_unit(node.unit),
        {**file_origin(file), "input_array": node.key}, _wcs_key(tree, node.key, tag_of, label),
        Cards(scalars_of(tree), None, label),
    )  # fmt: skip
    if isinstance(node.source, int) and node.is_contiguous:
        block = _block(file, node)
        if not block.compression:
            _check_within(block, node, label)
            return OpenedImage(replace(source, begins=block.begins + node.offset))
    pixels = native(_values(file, node).reshape(source.shape))
    whole = ArraySource(
        pixels, source.unit, source.wcs, source.origin(), unit_from_header=True, windowed=False,
        unknown_unit=source.unknown_unit, header=source.header,
    )  # fmt: skip
    return OpenedImage(whole)


def _tree(file: str) -> tuple[Any, Any]:
    """Return the tree of a file, and the function that tells the tag of a node."""
    tagged, util = (need(f"asdf.{name}", file, "asdf") for name in ("tagged", "util"))
    try:
        tree = util.load_yaml(file, tagged=True)
    except Exception as error:  # whatever a damaged file causes
        raise OSError(f"{file}: cannot be read as ASDF ({one_line(error)})") from error
    return tree, lambda node: tagged.get_tag(node) if isinstance(node, tagged.Tagged) else None


def _block(file: str, node: "Node") -> Block:
    """Return the block of an array."""
    blocks = blocks_in(file)
    number: int = node.source if node.source >= 0 else len(blocks) + node.source
    if not 0 <= number < len(blocks):
        raise OSError(
            f"{file} is cut off or damaged: it has {len(blocks)} blocks, and {node.key} is in "
            f"block {node.source}"
        )
    return blocks[number]


def _check_within(block: Block, node: "Node", label: str) -> None:
    """Refuse an array that goes beyond its block: what is there belongs to another."""
    nbytes = math.prod(node.shape) * node.dtype.itemsize
    if node.offset >= 0 and node.offset + nbytes <= block.size:
        return
    claimed = " x ".join(map(str, node.shape))
    raise OSError(
        f"{label}: the tree says that it has {claimed} pixels of {node.dtype.itemsize} bytes from "
        f"byte {node.offset} of its block on, and the block has {block.size} bytes: the file is "
        "damaged, or shape, datatype or offset is wrong"
    )


def _values(file: str, node: "Node") -> Any:
    """Return all values of an array that cannot be read by windows."""
    if isinstance(node.source, str):
        raise RefusedError(
            f"{file}: the values of {node.key} are in another file, {node.source}: name that file"
        )
    if not isinstance(node.source, int):
        values = node.source if isinstance(node.source, list) else []
        return np.asarray(values, node.dtype)
    block = _block(file, node)
    check_md5(file, block, f"{file}[{node.key}]")
    if block.compression:
        content = unpacked(file, block)
    else:
        with open(file, "rb") as opened:
            opened.seek(block.begins)
            content = opened.read(block.size)
    try:
        return np.ndarray(node.shape, node.dtype, content, node.offset, node.strides)
    except (TypeError, ValueError) as error:
        raise OSError(f"{file}: {node.key} is cut off ({one_line(error)})") from error


def _wcs_key(tree: Any, key: str, tag_of: Any, label: str) -> str:
    """Return where the WCS of an image is; empty, with a warning, if gwcs is not installed."""
    import importlib.util

    *parents, _ = key.split(".")
    node = tree
    for parent in parents:
        node = node[parent]
    for path in (("meta", "wcs"), ("wcs",)):
        found = node
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is None or GWCS not in str(tag_of(found) or ""):
            continue
        if importlib.util.find_spec("gwcs") is None:
            warn_of_image(
                f"{label}: its WCS needs gwcs, which is not installed; positions on the sky are "
                "left out: pip install gwcs asdf-astropy"
            )
            return ""
        return ".".join((*parents, *path))
    return ""


def _read_wcs(file: str, key: str, shape: tuple[int, int], label: str) -> Any:
    """Return the WCS at a place of the tree; `None`, with a warning, if it cannot be used."""
    if not key:
        return None
    import asdf

    try:
        with warnings.catch_warnings():
            # Of tags that no package knows: those of the rest of the tree do not matter here.
            warnings.filterwarnings("ignore", category=asdf.exceptions.AsdfWarning)
            with asdf.open(file) as opened:
                wcs = opened.tree
                for name in key.split("."):
                    wcs = wcs[name]
    except Exception as error:  # of gwcs, of packages of its schemas, ...
        warn_of_image(
            f"{label}: the WCS cannot be read ({one_line(error)}); positions on the sky are left "
            "out"
        )
        return None
    return own_wcs(wcs, shape, label)
