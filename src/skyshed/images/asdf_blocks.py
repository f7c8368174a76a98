"""Where the blocks of an ASDF file are (ASDF Standard 1.6, "Low-level file layout")."""

import bz2
import hashlib
import os
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from skyshed.arguments import is_path
from skyshed.images.headers import split_path
from skyshed.images.pixels import RefusedError

__all__ = ["Block", "blocks_in", "check_md5", "is_in_asdf", "unpacked"]

#: What files begin with, and blocks.
BEGINNING, MAGIC = b"#ASDF", b"\xd3BLK"
#: The end of the tree that stands before the blocks.
END_OF_TREE = re.compile(rb"\r?\n\.\.\.\r?\n")
#: A header, after its magic and size: flags, compression, allocated, used, data size, checksum.
HEADER = struct.Struct(">I4sQQQ16s")
#: The flag of a block that goes on to the end of the file.
STREAMED = 1
#: How a block is compressed -> what unpacks it.
UNPACKERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"zlib": zlib.decompress,
    b"bzp2": bz2.decompress,
}
#: Bytes of a tree that are read at a time.
STEP = 1 << 16
#: Bytes of a block whose checksum is computed at a time.
CHECKED = 16 << 20


class Block(NamedTuple):
    """Where the data of a block are: first byte, length, how they are compressed, their MD5."""

    begins: int
    size: int
    compression: bytes
    checksum: bytes = bytes(16)


def is_in_asdf(given: Any) -> bool:
    """Whether something is the path of a file that begins as ASDF does, or of an array in it."""
    if not is_path(given):
        return False
    try:
        with open(split_path(given)[0], "rb") as file:
            return file.read(len(BEGINNING)) == BEGINNING
    except OSError:  # not there, or a folder: whoever opens it says so
        return False


def blocks_in(path: str | os.PathLike[str]) -> list[Block]:
    """Return the blocks of a file, in their order.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        length = os.fstat(file.fileno()).st_size
        at = _after_tree(file)
        found = []
        while at is not None and at < length:
            file.seek(at)
            if file.read(len(MAGIC)) != MAGIC:
                break  # an index of the blocks may follow
            size = int.from_bytes(file.read(2), "big")
            header = file.read(HEADER.size)
            if len(header) < HEADER.size:
                break
            flags, compression, allocated, used, _, checksum = HEADER.unpack(header)
            begins = at + len(MAGIC) + 2 + size
            if flags & STREAMED:
                used = allocated = length - begins
                checksum = bytes(16)
            # What goes beyond the block is of the next.
            found.append(Block(begins, min(used, allocated), compression.rstrip(b"\0"), checksum))
            at = begins + allocated
    return found


def _after_tree(file: BinaryIO) -> int | None:
    """Return where the first block begins; `None` if there is none."""
    head = b""
    while True:
        step = file.read(STEP)
        head += step
        end = END_OF_TREE.search(head)
        # Blocks may be padded to those of the file system.
        if end is not None:
            first = head.find(MAGIC, end.end())
            if first >= 0:
                return first
        if not step:
            return None


def unpacked(path: str | os.PathLike[str], block: Block) -> bytes:
    """Return the data of a compressed block.

    Raises
    ------
    ValueError
        If it is compressed in a way that takes further packages, or is damaged.
    """
    name = block.compression.decode("ascii", "replace")
    if block.compression not in UNPACKERS:
        raise RefusedError(
            f"{os.fspath(path)} is compressed by {name}, and zlib and bzp2 alone are read: write "
            "it anew without compression"
        )
    with open(path, "rb") as file:
        file.seek(block.begins)
        content = file.read(block.size)
    try:
        return UNPACKERS[block.compression](content)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise OSError(f"{os.fspath(path)}: a block of {name} is damaged ({error})") from error


def check_md5(path: str | os.PathLike[str], block: Block, label: str) -> None:
    """Compare the data of a block, as they are stored, with their MD5; zeros stand for none.

    Raises
    ------
    OSError
        If they differ.
    """
    if not any(block.checksum):
        return
    digest, left = hashlib.md5(usedforsecurity=False), block.size
    with open(path, "rb") as file:
        file.seek(block.begins)
        while left:
            content = file.read(min(CHECKED, left))
            if not content:  # said when it is read
                return
            digest.update(content)
            left -= len(content)
    if digest.digest() != block.checksum:
        raise OSError(
            f"{label} is damaged: its data do not have the checksum that the file says; copy or "
            "download the file anew"
        )
