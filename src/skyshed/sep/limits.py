"""SEP's limits, which are kept and change nothing: room is made as it is needed."""

__all__ = [
    "get_extract_pixstack",
    "get_sub_object_limit",
    "set_extract_pixstack",
    "set_sub_object_limit",
]

#: What SEP starts with.
_limits = {"pixels": 300_000, "parts": 1024}


def set_extract_pixstack(size: int) -> None:
    """Keep a number of pixels; `extract` has no such limit."""
    _limits["pixels"] = int(size)


def get_extract_pixstack() -> int:
    """Return the number that was set."""
    return _limits["pixels"]


def set_sub_object_limit(limit: int) -> None:
    """Keep a number of parts; `extract` has no such limit."""
    _limits["parts"] = int(limit)


def get_sub_object_limit() -> int:
    """Return the number that was set."""
    return _limits["parts"]
