"""What the tree of an ASDF file says: its images, their units, and its texts and numbers.

The tree is read as YAML alone, so that tags that no installed package knows, such as those of
Roman's data models, are no hindrance.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.pixels import RefusedError, image_axes

__all__ = ["Node", "chosen", "images_of_tree", "scalars_of"]

#: Parts of tags that tell what a node is.
ARRAY, QUANTITY = "core/ndarray-", "unit/quantity-"
#: Names of the image that others (err, dq, weight) belong to.
SCIENCE = ("data", "sci")
#: dtypes of ASDF that NumPy calls otherwise.
DTYPES = {"bool8": "bool"}


@dataclass(frozen=True)
class Node:
    """An array of the tree.

    Attributes
    ----------
    key : str
        Where it is: names with dots between them.
    shape : tuple of int
        Its shape.
    source : int, str, or list
        The number of its block, the name of another file, or its values.
    dtype : dtype
        In the byte order of the file.
    offset : int
        The byte of the block at which it begins.
    strides : tuple of int or None
        Bytes between its elements along each axis; C-contiguous if `None`.
    unit : str
        Its unit, if it is a quantity.
    """

    key: str
    shape: tuple[int, ...]
    source: Any
    dtype: np.dtype
    offset: int = 0
    strides: tuple[int, ...] | None = None
    unit: str = ""

    @property
    def is_image(self) -> bool:
        """Whether it has two axes longer than 1, or can be taken for such."""
        try:
            image_axes(self.shape, self.key)
        except RefusedError:
            return False
        return self.dtype.kind in "fiub"

    @property
    def is_contiguous(self) -> bool:
        """Whether its elements lie one behind the other."""
        steps: list[int] = []
        step = self.dtype.itemsize
        for length in reversed(self.shape):
            steps.insert(0, step)
            step *= length
        return self.strides is None or self.strides == tuple(steps)


def images_of_tree(tree: Mapping[str, Any], tag_of: Any) -> list[Node]:
    """Return the images of a tree; ``tag_of`` returns the tag of a node, if it has one."""
    return [node for node in _arrays(tree, (), tag_of) if node.is_image]


def _arrays(node: Any, path: tuple[str, ...], tag_of: Any) -> Iterator[Node]:
    tag = str(tag_of(node) or "")
    if ARRAY in tag:
        yield from _array(node, path, "")
    elif QUANTITY in tag and ARRAY in str(tag_of(node.get("value")) or ""):
        yield from _array(node["value"], path, str(node.get("unit", "")))
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _arrays(value, (*path, str(key)), tag_of)


def _array(node: Any, path: tuple[str, ...], unit: str) -> Iterator[Node]:
    key = ".".join(path)
    if not isinstance(node, Mapping):  # the values themselves
        values = np.asarray(_plain(node))
        yield Node(key, values.shape, node, values.dtype, unit=unit)
        return
    shape, kind = node.get("shape") or [], node.get("datatype")
    source = node.get("source", node.get("data"))
    if not isinstance(kind, str) or not all(isinstance(n, int) for n in shape):
        return  # tables, and arrays whose length the end of the file says
    dtype = np.dtype(DTYPES.get(kind, kind))
    if node.get("byteorder") in ("big", "little"):
        dtype = dtype.newbyteorder(node["byteorder"])
    strides = node.get("strides")
    yield Node(
        key, tuple(shape), source, dtype, int(node.get("offset", 0)),
        None if strides is None else tuple(strides), unit,
    )  # fmt: skip


def _plain(values: Any) -> Any:
    return [_plain(each) for each in values] if isinstance(values, list) else values


def chosen(images: list[Node], wanted: str | None, file: str) -> Node:
    """Return the image that is asked for, by its key or the end of it.

    Raises
    ------
    ValueError
        If there is none, or several; the message lists those there are.
    """
    listed = ", ".join(f"{each.key} ({' x '.join(map(str, each.shape))})" for each in images)
    if not images:
        raise RefusedError(f"{file} holds no image")
    if wanted is None:
        science = [each for each in images if each.key.rpartition(".")[2].lower() in SCIENCE]
        found = science if len(images) > 1 else images
        if len(found) == 1:
            return found[0]
        raise RefusedError(
            f"{file} holds several images: name one of {listed}, such as {file}[{images[0].key}]"
        )
    exact = [each for each in images if each.key == wanted]
    found = exact or [each for each in images if each.key.endswith(f".{wanted}")]
    if len(found) == 1:
        return found[0]
    what = "no image" if not found else "several images"
    raise RefusedError(f"{file} has {what} {wanted}: it has {listed}")


def scalars_of(tree: Any, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the texts and numbers of a tree, by their keys in capitals.

    Each is also found without the name of the whole, such as ``roman``.
    """
    found: dict[str, Any] = {}
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            found.update(scalars_of(value, (*path, str(key).upper())))
    elif isinstance(tree, str | int | float):
        for names in (path, path[1:]):
            if names:
                found.setdefault(".".join(names), str(tree) if isinstance(tree, str) else tree)
    return found
