"""One byte that changes anywhere in a workspace: the undisturbed result, or a line with the file.

`python -m tests.endurance` tries some thousands more.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from skyshed.exceptions import WorkspaceError
from tests.mosaic.damage import STAGES, begun_workspaces, run, try_damage
from tests.tiled import survey, tiled


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    return begun_workspaces(tmp_path_factory.mktemp("begun"))


@pytest.mark.parametrize("stage", STAGES)
def test_damage_gives_the_undisturbed_result_or_a_line_with_the_file(begun, stage, tmp_path):
    workspaces, undisturbed = begun
    came = [
        try_damage(
            workspaces[stage], undisturbed, np.random.default_rng((5, n)), tmp_path / "scratch"
        )[1]
        for n in range(14)
    ]
    assert "refused" in came


@pytest.mark.parametrize("kind", ["segmentation.zarr", "segmentation.zarr/c", "run.json"])
def test_so_does_damage_to_what_is_there_once(begun, kind, tmp_path):
    workspaces, undisturbed = begun
    for n in range(4):
        rng = np.random.default_rng((6, n))
        try_damage(workspaces["to be measured"], undisturbed, rng, tmp_path / "scratch", kind)


def test_maps_keep_the_temporary_workspace_that_they_are_in():
    segmentation = tiled(survey().data, mask=survey().mask).segmentation
    assert np.array_equal(np.unique(segmentation.data[:]), [0, *segmentation.labels])


def test_a_chunk_that_is_gone_is_no_empty_part_of_the_map(tmp_path):
    found = run(tmp_path / "run")
    os.remove(tmp_path / "run/segmentation.zarr/c/0/0")
    with pytest.raises(WorkspaceError, match=r"segmentation\.zarr/c/0/0 is lost: remove .*measure"):
        found.segmentation.data[:]


def test_what_a_tile_has_done_is_on_the_disk_before_it_counts(tmp_path, monkeypatch):
    """In the order of the calls: chunks and records flushed, then the name that says they are."""
    calls, fsync, replace = [], os.fsync, os.replace

    def flushed(file):
        calls.append(("flush", os.readlink(f"/proc/self/fd/{file}")))
        fsync(file)

    def renamed(source, target):
        calls.append(("rename", os.fspath(source), os.fspath(target)))
        replace(source, target)

    if not Path("/proc/self/fd").exists():
        pytest.skip("which file a descriptor is of is known on Linux only")
    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    folder = tmp_path / "run"
    found = run(folder)
    calls = [each for each in calls if each[-1].startswith(str(folder))]
    committed = [
        (n, *each[1:])
        for n, each in enumerate(calls)
        if each[0] == "rename" and "c/" not in each[2]
    ]
    kept = [target for _, _, target in committed if not target.endswith("zarr.json")]
    assert len(kept) == len(set(kept)) == 5 * len(found.tiles) + 2 * len(found.tiles) + 4
    for n, part, target in committed:
        if target in kept:
            assert ("flush", part) in calls[:n]
            assert ("flush", os.path.dirname(target)) in calls[n + 1 :]
    at = {target: n for n, _, target in committed}
    for row, column in np.ndindex(2, 2):
        n = at[f"{folder}/measure/{row:05d}-{column:05d}.npz"]
        drawn = [each[1] for each in calls[:n] if each[0] == "flush"]
        assert any(each.startswith(f"{folder}/segmentation.zarr/c/") for each in drawn)
    last = {each[1] for each in calls if each[0] == "flush"}
    chunks = [str(path) for path in folder.glob("*.zarr/c/*/*")]
    assert chunks
    assert set(chunks) <= last


def test_a_temporary_workspace_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda file: pytest.fail("flushed"))
    tiled(survey().data, mask=survey().mask)
