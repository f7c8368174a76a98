"""A worker for each GPU, as dask-cuda starts them: processes of a real Dask cluster."""

import os

import pytest

from tests.device import preload, scenes
from tests.mosaic.fields import assert_same, at_once, by_tiles
from tests.mosaic.test_engine import LoopbackCluster

distributed = pytest.importorskip("distributed")
SETTINGS = {"box_size": 25, "npixels": 5, "n_threads": 1}


class GpuCluster(LoopbackCluster):
    """Workers that have the stand-in for CuPy."""

    def add_worker(self) -> None:
        options = ["--nthreads", "1", "--nworkers", "1", "--no-nanny"]
        options += ["--preload", "tests.device.preload"]
        self.workers.append(self._start("worker", *options))


def test_tiles_on_the_gpus_of_a_cluster_have_the_bits_of_one(counted, tmp_path):
    image = scenes.image(31, shape=(230, 240), n=60)
    (tmp_path / "cluster").mkdir()
    cluster = GpuCluster(tmp_path / "cluster", n_workers=2)
    try:
        with distributed.Client(cluster.address, set_as_default=False) as client:
            seen = client.run(preload.process)
            assert len({*seen.values()} - {os.getpid()}) == 2
            found = by_tiles(
                image,
                (100, 125),
                scheduler=client,
                workspace=tmp_path / "work",
                device="cuda",
                **SETTINGS,
            )
            done = client.run(preload.executed)
    finally:
        cluster.close()
    assert all(n > 0 for n in done.values())
    assert_same(found, at_once(counted.asarray(image), **SETTINGS).to_host())
