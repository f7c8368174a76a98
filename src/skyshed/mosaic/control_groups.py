"""Memory that control groups of Linux leave to a process: containers, batch systems, services.

Groups lie in each other, and each may have a limit: what the group of the process or any above it
leaves counts. Version 1 and 2, and systems with both.
"""

import re
from pathlib import Path, PurePosixPath

__all__ = ["left_by_groups"]

#: Type of file system -> the files of a group that hold its limits and what it uses, and the entry
#: of ``memory.stat`` that counts pages of files among these, which the system takes back. Beyond
#: ``memory.high`` a process is not ended, but slowed down until next to nothing is done.
FILES = {
    "cgroup2": (("memory.max", "memory.high"), "memory.current", "inactive_file"),
    "cgroup": (("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"),
}


def left_by_groups(root: Path = Path("/")) -> list[int]:
    """Return the bytes that each control group of this process leaves, of those with a limit.

    Parameters
    ----------
    root : Path, optional
        Where ``/proc`` and what it names are; another folder for tests.
    """
    found = []
    for kind, mounted, at in _mounts(root):
        path = _group(root, kind)
        if path is None:
            continue
        # In a container the root of the mount may be the container's group.
        inner = PurePosixPath(path)
        inner = inner.relative_to(mounted) if inner.is_relative_to(mounted) else PurePosixPath()
        folder = root / at.lstrip("/")
        for each in (inner, *inner.parents):
            left = _left(folder / str(each).lstrip("/"), *FILES[kind])
            if left is not None:
                found.append(left)
    return found


def _mounts(root: Path) -> list[tuple[str, str, str]]:
    """Return where groups that count memory are: type, the group that is mounted, and where."""
    found = []
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, *_), options = before.split(), [*after.split(), ""], after.split()[-1:]
        if len(fields) < 5 or kind not in FILES:
            continue
        if kind == "cgroup2" or "memory" in ",".join(options).split(","):
            found.append((kind, _unescaped(fields[3]), _unescaped(fields[4])))
    return found


def _unescaped(path: str) -> str:
    """Return a path of a list of mounts, where spaces and the like stand as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def _group(root: Path, kind: str) -> str | None:
    """Return the group of this process: lines are ``number:controllers:path``."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if controllers == "" if kind == "cgroup2" else "memory" in controllers.split(","):
            return path
    return None


def _left(folder: Path, limits: tuple[str, ...], used: str, of_files: str) -> int | None:
    """Return what a group leaves; `None` if it has no limit."""
    *most, now = (_text(folder / name).strip() for name in (*limits, used))
    most = [each for each in most if each.isdigit()]  # without a limit: "max", or no such file
    if not (most and now.isdigit()):
        return None
    pages = re.search(rf"^{of_files} (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
    left = min(map(int, most)) - int(now) + (0 if pages is None else int(pages[1]))
    return max(left, 0)


def _text(path: Path) -> str:
    """Return what a file of the system says; nothing where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
