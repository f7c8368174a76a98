"""Damage to workspaces: a flipped byte, two files in each other's place; and what comes of it."""

import os
import shutil
from pathlib import Path

import numpy as np

from skyshed.exceptions import TileError, WorkspaceError
from tests.tiled import same, survey, tiled

__all__ = ["STAGES", "begun_workspaces", "try_damage"]

TILE = (192, 256)
#: What is removed of a finished workspace, so that the run goes on from there.
STAGES = {
    "finished": (),
    "to be measured": ("measure", "tables"),
    "to be numbered": ("measure", "tables", "sources.npz", "number"),
    "to be stitched": ("measure", "tables", "sources.npz", "number", "deblend", "seams",
                       "stitch.npz"),
    "to be detected": ("measure", "tables", "sources.npz", "number", "deblend", "seams",
                       "stitch.npz", "detect"),
}  # fmt: skip


def begun_workspaces(folder: Path):
    """Return workspaces of one run that has come to different points, and what it finds."""
    whole = folder / "finished"
    found = run(whole)
    for name, removed in STAGES.items():
        copy = folder / name if removed == () else shutil.copytree(whole, folder / name)
        for each in removed:
            path = copy / each
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return {name: folder / name for name in STAGES}, found


def run(workspace):
    return tiled(survey().data, mask=survey().mask, workspace=workspace, tile=TILE)


def try_damage(begun: Path, undisturbed, rng, scratch: Path, kind: str | None = None):
    """Damage a copy of a workspace and go on with it.

    Returns
    -------
    what : str
        What was done to which file.
    outcome : {"right", "refused"}
        Whether it gave the undisturbed result, or was refused in one line with the file's name.

    Raises
    ------
    AssertionError
        If it was neither.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(begun, scratch)
    files = sorted(path for path in scratch.rglob("*") if path.is_file())
    kinds = sorted({_kind(path, scratch) for path in files})
    kind = kind or str(rng.choice(kinds))
    mine = [path for path in files if _kind(path, scratch) == kind]
    path = mine[int(rng.integers(len(mine)))]
    name = path.relative_to(scratch)
    if len(mine) > 1 and rng.random() < 0.25:
        other = mine[(mine.index(path) + 1 + int(rng.integers(len(mine) - 1))) % len(mine)]
        content = path.read_bytes(), other.read_bytes()
        path.write_bytes(content[1])
        other.write_bytes(content[0])
        what, named = f"{name} and {other.relative_to(scratch)} swapped", (path, other)
    else:
        content = bytearray(path.read_bytes())
        at, bit = int(rng.integers(len(content))), int(rng.integers(8))
        content[at] ^= 1 << bit
        path.write_bytes(content)
        what, named = f"bit {bit} of byte {at} of {name}", (path,)
    try:
        found = run(scratch)
        right = same(found, undisturbed)
    except (TileError, WorkspaceError, OSError) as error:
        text = str(error)
        maps = [os.fspath(each).partition(".zarr")[0] for each in named]
        assert any(os.fspath(each) in text for each in (*named, *maps)), f"{what}: {text}"
        assert "\n" not in text, f"{what}: {text}"
        return what, "refused"
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    assert right, f"{what}: another result"
    return what, "right"


def _kind(path: Path, folder: Path) -> str:
    """Return what kind of file this is: those of tiles, and chunks of a map, are one."""
    parts = path.relative_to(folder).parts
    return parts[0] if len(parts) == 1 else "/".join((parts[0], "c")[: 1 + ("c" in parts)])


def main(count: int, seed: int, folder: Path, say=print):
    """Try damage so many times; return how often it was right, and refused."""
    begun, undisturbed = begun_workspaces(folder)
    counts = {"right": 0, "refused": 0}
    for n in range(count):
        rng = np.random.default_rng((seed, n))
        workspace = begun[str(rng.choice(list(begun)))]
        what, came = try_damage(workspace, undisturbed, rng, folder / "scratch")
        counts[came] += 1
        say(f"{n}: {workspace.name}: {what}: {came}")
    return counts
