"""SEP's limits: room is made as it is needed, so that only one lower than SEP's counts."""

__all__ = [
    "get_extract_pixstack",
    "get_sub_object_limit",
    "limit_of_pixels",
    "set_extract_pixstack",
    "set_sub_object_limit",
]

#: What SEP starts with.
PIXELS = 300_000
_limits = {"pixels": PIXELS, "parts": 1024}


def set_extract_pixstack(size: int) -> None:
    """Limit the pixels above the threshold that `extract` holds of objects not complete yet.

    Parameters
    ----------
    size : int
        Below 300,000, SEP's number at the start, `extract` raises an error where there are more;
        with that or a larger one it has no limit.
    """
    _limits["pixels"] = int(size)


def limit_of_pixels() -> int | None:
    """Return the limit of `extract`, `None` for none."""
    return _limits["pixels"] if _limits["pixels"] < PIXELS else None


def get_extract_pixstack() -> int:
    """Return the number that was set."""
    return _limits["pixels"]


def set_sub_object_limit(limit: int) -> None:
    """Keep a number of parts; `extract` has no such limit."""
    _limits["parts"] = int(limit)


def get_sub_object_limit() -> int:
    """Return the number that was set."""
    return _limits["parts"]
