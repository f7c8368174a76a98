"""Whenever a run is killed, the next one goes on, and what they find is what one run finds."""

import multiprocessing
import random
import signal
import time

import numpy as np
import pytest
from astropy.io import fits

from tests.tiled import N_TILES, a_wcs, same, survey, tiled

#: Runs start in processes that have imported everything already.
PRELOADED = ["tests.tiled", "skyshed.mosaic.run", "dask", "zarr"]
#: Seconds within which a run ends, on a machine that is busy.
PATIENCE = 300


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("input")
    fits.writeto(folder / "image.fits", np.array(survey().data), a_wcs().to_header())
    fits.writeto(folder / "mask.fits", survey().mask.astype(np.uint8))
    return folder / "image.fits", folder / "mask.fits"


@pytest.fixture(scope="module")
def undisturbed(processes, paths, tmp_path_factory):
    """What an undisturbed run finds, and the seconds that it takes."""
    workspace = tmp_path_factory.mktemp("undisturbed") / "run"
    first = processes.Process(target=int)  # has everything imported
    first.start()
    first.join()
    start = time.monotonic()
    assert killed_after(None, processes, paths, workspace, 2) is False
    seconds = time.monotonic() - start
    return tiled(paths[0], mask=paths[1], workspace=workspace), seconds


def killed_after(seconds, processes, paths, workspace, n_threads):
    """Start a run, and kill it after so many seconds; return whether that came before its end."""
    image, mask = paths
    options = {"mask": mask, "workspace": workspace, "n_threads": n_threads}
    process = processes.Process(target=tiled, args=(image,), kwargs=options)
    process.start()
    try:
        process.join(PATIENCE if seconds is None else seconds)
    finally:
        process.kill()
        process.join()
    assert process.exitcode in (0, -signal.SIGKILL), "a run failed by itself"
    return process.exitcode != 0


def kill_and_compare(n_kills, seed, processes, paths, undisturbed, folder):
    """Kill runs so many times in all, and look at what each workspace holds in the end.

    Returns how many files of finished work there were at each kill.
    """
    whole, seconds = undisturbed
    rng = random.Random(seed)
    finished, n_workspaces = [], 0
    while len(finished) < n_kills:
        workspace = folder / f"run{n_workspaces}"
        n_workspaces += 1
        while True:
            moment = rng.uniform(0, seconds) if len(finished) < n_kills else None
            if not killed_after(moment, processes, paths, workspace, rng.choice([1, 2])):
                # It was done sooner than the one that was timed: later moments are in vain.
                seconds = seconds if moment is None else min(seconds, moment)
                break
            finished.append(len(list(workspace.rglob("*.npz"))))
        found = tiled(paths[0], mask=paths[1], workspace=workspace)
        assert same(found, whole)
    return finished


def test_killed_runs_go_on_to_the_same_result(processes, paths, undisturbed, tmp_path):
    assert len(kill_and_compare(4, 1, processes, paths, undisturbed, tmp_path)) == 4


@pytest.mark.slow
def test_runs_killed_at_many_moments_go_on_to_the_same_result(
    processes, paths, undisturbed, tmp_path
):
    finished = kill_and_compare(40, 2, processes, paths, undisturbed, tmp_path)
    print(f"files of finished work at the kills: {finished}")
    assert len(finished) == 40
    # Six kinds of files for each tile: some kills hit each third of a run.
    assert len({min(n // (2 * N_TILES), 2) for n in finished}) == 3
