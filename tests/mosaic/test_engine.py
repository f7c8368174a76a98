"""What Dask runs has the bits of the run at once: in threads, in processes, in those that die."""

import contextlib
import dataclasses
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import dask
import dask.array
import dask.threaded
import numpy as np
import pytest
import zarr
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from dask.core import get_dependencies

import skyshed
from skyshed import extract, extract_bands
from skyshed.chain.progress import TileProgress
from skyshed.exceptions import TileError, WorkspaceError
from skyshed.extraction.bands import open_bands
from skyshed.extraction.entry import open_request, run_request
from skyshed.extraction.plan import Resources, make_plan
from skyshed.mosaic.engine import (
    Cluster,
    Threads,
    attempt,
    connect,
    packed,
    unpacked,
    versions,
)
from skyshed.mosaic.job import Job
from skyshed.mosaic.records import Numbered
from skyshed.mosaic.run import Phase, phases_of, run_tiles
from skyshed.mosaic.tiling import Tiling
from skyshed.mosaic.workspace import Workspace
from tests.tiled import N_TILES, SHAPE, TILE, a_wcs, same, survey, tiled

distributed = pytest.importorskip("distributed")

#: Seconds within which a process of a cluster starts, on a machine that is busy.
PATIENCE = 300


class LoopbackCluster:
    """A Dask scheduler and workers of one thread each, processes on the loopback interface."""

    def __init__(self, folder: Path, n_workers: int) -> None:
        self.folder, self.file = folder, folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0")
        self.workers = []
        try:
            # It is there before anything is written to it.
            until(lambda: self.file.exists() and self.file.read_text().endswith("}"), self)
            self.address = json.loads(self.file.read_text())["address"]
            for _ in range(n_workers):
                self.add_worker()
            with distributed.Client(self.address, set_as_default=False) as client:
                client.wait_for_workers(n_workers, timeout=PATIENCE)
        except BaseException:
            self.close()
            raise

    def _start(self, kind: str, *options: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--host", "127.0.0.1"]
        command += ["--scheduler-file", str(self.file), "--no-dashboard", *options]
        # The package of this process, installed or not, and the tests, whose functions are sent.
        folders = Path(skyshed.__file__).parents[1], Path(__file__).parents[2]
        path = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
        with open(self.folder / f"{kind}.log", "ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip

    def add_worker(self) -> None:
        options = ["--nthreads", "1", "--nworkers", "1", "--no-nanny"]
        self.workers.append(self._start("worker", *options))

    def kill_worker(self) -> None:
        """Kill the oldest worker as no process can prevent."""
        worker = self.workers.pop(0)
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    def start_again(self, n_workers: int) -> None:
        """Kill everything, and start the scheduler at its address and so many workers."""
        self.close()
        self.file.unlink()
        self.scheduler = self._start("scheduler", "--port", self.address.rpartition(":")[2])
        until(lambda: self.file.exists() and self.file.read_text().endswith("}"), self)
        self.workers = []
        for _ in range(n_workers):
            self.add_worker()

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def __str__(self) -> str:
        """What its processes have to say."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def until(condition, about="") -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"nothing happens: {about}"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = LoopbackCluster(tmp_path_factory.mktemp("cluster"), n_workers=2)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A FITS file with a WCS and a Zarr array, each with a mask and the right answer."""
    folder = tmp_path_factory.mktemp("inputs")
    field, given = survey(), {}
    mask = folder / "mask.fits"
    fits.writeto(mask, field.mask.astype(np.uint8))
    paths = {"fits": folder / "image.fits", "zarr": folder / "image.zarr"}
    fits.writeto(paths["fits"], field.data, a_wcs().to_header())
    zarr.create_array(paths["zarr"], data=np.array(field.data), chunks=(70, 90))
    for kind, path in paths.items():
        given[kind] = path, mask, extract(path, mask=mask, n_threads=1)
    return given


@pytest.fixture
def job(tmp_path):
    """A run over 6 x 7 tiles that nothing is done for."""
    request = open_request(np.zeros((12, 14)))
    return Job(request, Tiling((12, 14), (2, 2)), Workspace(str(tmp_path)), 1)


@pytest.mark.parametrize(
    ("kind", "n_threads", "tile"),
    [
        ("fits", 1, (64, 128)),
        ("zarr", 2, (128, 64)),
        ("fits", 2, (64, 64)),
        ("zarr", 3, (192, 192)),
    ],
)
def test_threads_give_the_bits_of_the_run_at_once(inputs, kind, n_threads, tile):
    image, mask, whole = inputs[kind]
    assert same(tiled(image, mask=mask, n_threads=n_threads, tile=tile), whole)


def test_a_cluster_at_an_address_gives_the_bits_of_the_run_at_once(inputs, cluster):
    image, mask, whole = inputs["fits"]
    assert same(tiled(image, mask=mask, scheduler=cluster.address), whole)


def test_a_cluster_measures_the_background_twice_as_a_run_at_once(inputs, cluster):
    image, mask, _ = inputs["fits"]
    whole = extract(image, mask=mask, n_threads=1, background_passes=2)
    found = tiled(image, mask=mask, scheduler=cluster.address, background_passes=2)
    assert same(found, whole)


def test_a_cluster_measures_several_bands_as_a_run_at_once(cluster):
    field = survey()
    bands = {"g": field.data, "r": field.data * 2}
    options = {"mask": field.mask, "background_passes": 2, "n_threads": 1}
    whole = extract_bands(bands, **options)
    request = open_bands(bands, **options)
    resources = Resources(scheduler=cluster.address, tile=TILE)
    found = run_request(request, make_plan(request, resources), resources)
    assert len(found.table) > 100
    assert same(found, whole)


def test_a_client_does_too_and_is_left_open_and_an_address_leaves_nobody_behind(inputs, cluster):
    image, mask, whole = inputs["zarr"]
    with distributed.Client(cluster.address, set_as_default=False) as client:
        assert same(tiled(image, mask=mask, scheduler=client), whole)
        known = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.clients))
        assert {name for name in known if name.startswith("Client-")} == {client.id}
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0
    connect(cluster.address, 1).close()
    with distributed.Client(cluster.address, set_as_default=False) as client:
        known = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.clients))
        assert {name for name in known if name.startswith("Client-")} == {client.id}


def test_the_sky_of_a_wcs_that_is_sent_is_that_of_the_run_at_once(cluster):
    data, mask = survey().data, survey().mask
    whole = extract(data, mask=mask, wcs=a_wcs(), n_threads=1)
    assert same(tiled(data, mask=mask, wcs=a_wcs(), scheduler=cluster.address), whole)


def in_background(run):
    """Start a run in a thread; return the thread and the list that its result is put in."""
    found = []
    thread = threading.Thread(target=lambda: found.append(run()), daemon=True)
    thread.start()
    return thread, found


def done(workspace, phase):
    return len(list((workspace / phase).glob("0*.npz")))


def hold(monkeypatch, folder, *phases):
    """Let each worker do one tile of a phase, and the rest when a file of its name is in a folder.

    So what a test does in the middle of a phase comes there, however late the test has its turn.
    """

    def held(phase):
        def task(job, place):
            records = os.path.join(job.workspace.folder, phase.name, "0*.npz")
            while glob.glob(records) and not os.path.exists(gate):
                time.sleep(0.01)
            phase.task(job, place)

        gate = str(folder / phase.name)
        return dataclasses.replace(phase, task=task) if phase.name in phases else phase

    monkeypatch.setattr(
        "skyshed.mosaic.run.phases_of", lambda request: tuple(map(held, phases_of(request)))
    )


def test_workers_that_are_killed_change_nothing(inputs, cluster, tmp_path, monkeypatch):
    image, mask, whole = inputs["fits"]
    workspace = tmp_path / "run"
    hold(monkeypatch, tmp_path, "background", "detect")
    run, found = in_background(
        lambda: tiled(image, mask=mask, scheduler=cluster.address, workspace=workspace)
    )
    until(lambda: done(workspace, "background") > 0)
    cluster.kill_worker()
    n_background = done(workspace, "background")
    (tmp_path / "background").touch()
    until(lambda: done(workspace, "detect") > 0)
    # Now the only one, and with it what the tasks know of the run.
    cluster.kill_worker()
    n_detect = done(workspace, "detect")
    cluster.add_worker()
    (tmp_path / "detect").touch()
    run.join(PATIENCE)
    assert n_background < N_TILES
    assert n_detect < N_TILES
    assert same(found[0], whole)


def test_a_worker_killed_between_or_late_in_phases_changes_nothing(inputs, cluster, tmp_path):
    """What the run is was once held by workers alone, and sent to one that was no more."""
    image, mask, whole = inputs["fits"]
    while len(cluster.workers) < 2:
        cluster.add_worker()
    begin = TileProgress.__call__
    for phase in ("detect", "measure"):

        def watched(self, name, skipped, phase=phase):
            finished, counted = begin(self, name, skipped), []

            def count():
                counted.append(1)
                if name == phase == "measure" and len(counted) == N_TILES - 2:
                    cluster.kill_worker()
                finished()

            if name == phase == "detect":
                cluster.kill_worker()
            return count

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TileProgress, "__call__", watched)
            run, found = in_background(lambda: tiled(image, mask=mask, scheduler=cluster.address))
            run.join(PATIENCE)
        assert same(found[0], whole)
        cluster.add_worker()


def test_a_worker_that_is_paused_is_not_waited_for_without_end(inputs, tmp_path, monkeypatch):
    image, mask, whole = inputs["fits"]
    hold(monkeypatch, tmp_path, "background")
    cluster = LoopbackCluster(tmp_path, n_workers=2)

    # If that much time had to pass, a worker that waits for its core might be given up, too.
    async def hear_nothing_for_long(dask_scheduler, pid):
        (paused,) = [each for each in dask_scheduler.workers.values() if each.pid == pid]
        paused.last_seen = 0
        await dask_scheduler.check_worker_ttl()

    try:
        run, found = in_background(
            lambda: tiled(image, mask=mask, scheduler=cluster.address, workspace=tmp_path / "run")
        )
        until(lambda: done(tmp_path / "run", "background") > 0)
        cluster.workers[0].send_signal(signal.SIGSTOP)
        (tmp_path / "background").touch()
        with distributed.Client(cluster.address, set_as_default=False) as client:
            client.run_on_scheduler(hear_nothing_for_long, pid=cluster.workers[0].pid)
        run.join(2 * PATIENCE)
        assert same(found[0], whole)
    finally:
        cluster.close()


def test_a_scheduler_that_is_started_again_goes_on(inputs, tmp_path, monkeypatch):
    image, mask, whole = inputs["fits"]
    hold(monkeypatch, tmp_path, "background")
    cluster = LoopbackCluster(tmp_path, n_workers=1)
    try:
        run, found = in_background(
            lambda: tiled(image, mask=mask, scheduler=cluster.address, workspace=tmp_path / "run")
        )
        until(lambda: done(tmp_path / "run", "background") > 0)
        cluster.start_again(n_workers=1)
        n_finished = done(tmp_path / "run", "background")
        (tmp_path / "background").touch()
        run.join(2 * PATIENCE)
        assert n_finished < N_TILES
        assert same(found[0], whole)
    finally:
        cluster.close()


def hung(cluster, job, monkeypatch, stop, answer):
    """Run tasks that take long, stop something meanwhile, and return the error."""
    for name, seconds in (("BEAT", 0.2), ("ANSWER", answer), ("PATIENCE", 2)):
        monkeypatch.setattr(f"skyshed.mosaic.under_way.{name}", seconds)
    client = distributed.Client(cluster.address, set_as_default=False)
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}):
        timer = threading.Timer(1, stop)
        timer.start()
        try:
            with pytest.raises(OSError, match="start it again") as raised:
                Cluster(client).run(take_long, "detect", job, [(0, 0)], lambda: None)
        finally:
            timer.join()
            cluster.close()
            with contextlib.suppress(Exception):
                client.close(timeout=1)
    return str(raised.value)


def take_long(job, place):
    time.sleep(30)


def test_a_cluster_without_workers_is_not_waited_for_without_end(tmp_path, job, monkeypatch):
    cluster = LoopbackCluster(tmp_path, n_workers=1)
    message = hung(cluster, job, monkeypatch, cluster.kill_worker, 30)
    assert "the Dask cluster has no workers" in message


def test_a_scheduler_that_falls_silent_is_not_either(tmp_path, job, monkeypatch):
    cluster = LoopbackCluster(tmp_path, n_workers=1)
    silence = lambda: cluster.scheduler.send_signal(signal.SIGSTOP)  # noqa: E731
    message = hung(cluster, job, monkeypatch, silence, 2)
    assert "the Dask scheduler has not answered for 2 s" in message


def test_workers_of_another_version_are_refused(cluster, job, monkeypatch):
    if not cluster.workers:
        cluster.add_worker()
    monkeypatch.setattr("skyshed.mosaic.engine.versions", lambda: "skyshed 99")
    with (
        distributed.Client(cluster.address, set_as_default=False) as client,
        pytest.raises(
            ValueError, match=r"workers .* have skyshed 0.*, this process has skyshed 99"
        ),
    ):
        Cluster(client).run(fail, "detect", job, [(0, 0)], lambda: None)


def test_workers_that_do_not_see_the_workspace_are_refused(monkeypatch, job):
    monkeypatch.setattr("skyshed.mosaic.engine.LATE", 0.1)
    content, _ = packed(job)
    with pytest.raises(ValueError, match=r"do not see the workspace .*: it must be on a file"):
        unpacked((content, "a sign that is not there"), versions())


def test_files_that_appear_late_are_waited_for(job, monkeypatch):
    class Slow:
        late = 20

        def run(self, task, phase, job, tiles, finished):
            def write():
                for tile in job.tiling:
                    time.sleep(0.005)
                    job.workspace.save(Numbered(*[np.zeros(1)] * 10), tile)

            threading.Thread(target=write).start()

    phase = Phase(Numbered, fail)
    monkeypatch.setattr("skyshed.mosaic.run.phases_of", lambda request: (phase,))
    run_tiles(job, Slow(), lambda *_: lambda: None)
    assert phase.left(job) == []
    os.remove(job.workspace.file("number", (0, 0)))
    Slow.late, Slow.run = 0.1, lambda *_: None
    with pytest.raises(WorkspaceError, match=r"number/00000-00000\.npz is not there, though"):
        run_tiles(job, Slow(), lambda *_: lambda: None)


def test_what_a_killed_worker_finished_is_not_done_again(cluster, tmp_path, job):
    log, gate, counted = tmp_path / "log", tmp_path / "gate", []
    early = 2 * len(job.tiling) // 3

    def task(job, place):
        # Those that come late wait, so that there is a moment in which nothing is on its way.
        if log.exists() and len(log.read_text().splitlines()) >= early:
            while not gate.exists():
                time.sleep(0.01)
        with open(log, "a") as file:
            file.write(f"{place}\n")

    def held(dask_scheduler):
        return sum(task.state == "memory" for task in dask_scheduler.tasks.values())

    def finished():
        counted.append(1)
        if len(counted) == early:
            # The job, and a task of each worker that ended before the gate and is not reported.
            until(lambda: client.run_on_scheduler(held) <= 3)
            cluster.kill_worker()
            gate.touch()

    cluster.add_worker()
    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        Cluster(client).run(task, "detect", job, job.tiling, finished)
    tasks = log.read_text().splitlines()
    assert len(counted) == len(set(tasks)) == len(job.tiling)
    # What was about to be reported may be.
    assert len(tasks) <= len(job.tiling) + 2


def test_a_cluster_that_is_gone_is_named(tmp_path, job, monkeypatch):
    cluster = LoopbackCluster(tmp_path, n_workers=1)
    try:
        engine = connect(cluster.address, 1)
        monkeypatch.setattr("skyshed.mosaic.engine.PATIENCE", 0.1)
        monkeypatch.setattr("skyshed.mosaic.engine.ANSWER", 2)
        # Clients look for a scheduler that is gone for as long.
        with dask.config.set({"distributed.comm.timeouts.connect": "2s"}):
            cluster.kill_worker()
            count = lambda dask_scheduler: len(dask_scheduler.workers)  # noqa: E731
            until(lambda: not engine.client.run_on_scheduler(count))
            with pytest.raises(OSError, match=r"no workers: start it again.*goes on from there"):
                engine.run(fail, "detect", job, [(0, 0)], lambda: None)
            cluster.close()
            until(lambda: engine.client.status != "running")
            with pytest.raises(OSError, match=r"no scheduler: start it again.*goes on from there"):
                engine.run(fail, "detect", job, [(0, 0)], lambda: None)
            engine.close()
            with pytest.raises(OSError, match=re_address(cluster.address)):
                connect(cluster.address, 1)
    finally:
        cluster.close()


@pytest.mark.parametrize(
    "error",
    [RuntimeError("Cannot change state of expiring Timeout"), TimeoutError(), OSError("gone")],
    ids=lambda error: type(error).__name__,
)
def test_leaving_a_cluster_that_is_gone_does_not_fail(error):
    # What Dask's client raised, now and then, when it was closed while it looked for a scheduler.
    class Client:
        closed = False

        def close(self):
            self.closed = True
            raise error

    client = Client()
    Cluster(client, owned=True).close()
    assert client.closed


@pytest.mark.parametrize("address", ["", "x", "foo", "tcp://", "http://host:80", "tcp://127.0.0.1"])
def test_what_is_no_address_is_refused_at_once(address):
    with pytest.raises(ValueError, match=r"scheduler must be the address.*such as 'tcp://host"):
        connect(address, 1)


def test_a_scheduler_that_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("skyshed.mosaic.engine.ANSWER", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(OSError, match=f"no Dask scheduler answers at '{address}'"):
            connect(address, 1)


def re_address(address):
    return address.removeprefix("tcp://").replace(".", r"\.")


@pytest.mark.parametrize("where", ["threads", "cluster"])
def test_a_failing_tile_is_named_with_its_window_phase_and_cause(cluster, where, tmp_path):
    path = tmp_path / "image.fits"
    fits.writeto(path, np.array(survey().data))
    request = open_request(path, n_threads=1)
    scheduler = None if where == "threads" else cluster.address
    resources = Resources(scheduler=scheduler, tile=TILE)
    plan = make_plan(request, resources)  # which would refuse a file that is too short
    os.truncate(path, path.stat().st_size - 4 * SHAPE[0] * 100)
    with pytest.raises(TileError) as raised:
        run_request(request, plan, resources)
    message = str(raised.value)
    assert "background, tile 3," in message or "background, tile 4," in message
    assert f"OSError: {path}[0]: rows " in message
    assert "the same call goes on from there" in message


def fail(job, place):
    raise OSError(f"no luck with {place}")


def test_an_error_names_the_pixels_of_its_tile(job):
    with pytest.raises(TileError, match=r"^detect, tile 2,3 \(rows 4 to 5, columns 6 to 7\): OSE"):
        attempt(fail, "detect", job, (2, 3))


def test_graphs_have_a_node_for_each_tile_and_no_edges(job, monkeypatch):
    seen, results, get = [], [], dask.threaded.get

    def watched(graph, keys, **options):
        seen.append(graph)
        results.extend(get(graph, keys, **options))

    monkeypatch.setattr(dask.threaded, "get", watched)
    Threads(2).run(lambda job, place: place, "detect", job, job.tiling, lambda: None)
    (graph,) = seen
    assert len(graph) == len(job.tiling)
    assert not any(get_dependencies(graph, key) for key in graph)
    assert results == [None] * len(job.tiling)


def test_an_image_of_dask_is_read_by_windows(monkeypatch):
    sizes = []

    def read(block):
        sizes.append(block.size)
        return block

    chunked = dask.array.from_array(np.array(survey().data), chunks=(64, 128)).map_blocks(
        read, dtype=np.float32, meta=np.empty((0, 0), np.float32)
    )
    found = tiled(chunked, mask=survey().mask, n_threads=2, kernel_fwhm=0)
    # The first phase reads each tile, the second too; the last with margins of 32 pixels.
    assert len(sizes) <= (1 + 1 + 9) * N_TILES
    assert same(found, extract(survey().data, mask=survey().mask, kernel_fwhm=0, n_threads=1))


def test_tiles_are_worked_on_as_they_lie_in_files(job):
    order = []
    Threads(1).run(lambda job, place: order.append(place), "detect", job, job.tiling, lambda: None)
    assert order == list(job.tiling)


def test_each_tile_is_counted_once(job):
    counted = []
    Threads(3).run(lambda job, place: None, "detect", job, job.tiling, lambda: counted.append(1))
    assert len(counted) == len(job.tiling)


@pytest.mark.parametrize("how", ["error", "interrupt"])
def test_when_a_run_ends_early_its_threads_have_ended(job, how, heard):
    started, ended = [], []

    def task(job, place):
        started.append(place)
        if len(started) == 3 and how == "error":
            raise OSError("disk on fire")
        if len(started) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        # Those after it give the main thread time to have its turn.
        time.sleep(0.05 if len(started) < 3 else 0.5)
        ended.append(place)

    with pytest.raises(TileError if how == "error" else KeyboardInterrupt):
        Threads(2).run(task, "detect", job, job.tiling, lambda: None)
    now = len(started)
    assert now < len(job.tiling)
    assert len(ended) == now - (how == "error")
    time.sleep(0.1)
    assert len(started) == now


def test_filters_of_warnings_are_as_before(job):
    def task(job, place):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            time.sleep(0.001 * (sum(place) % 3))
        warnings.warn("a header", AstropyUserWarning, stacklevel=1)
        if place == (5, 6):
            raise OSError("disk on fire")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        with pytest.raises(TileError, match="disk on fire"):
            Threads(3).run(task, "detect", job, job.tiling, lambda: None)
        assert warnings.filters == before


def test_an_array_that_is_too_large_to_be_sent_is_refused(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    image = np.broadcast_to(np.float32(0), (4000, 4000))
    with pytest.raises(ValueError, match="image takes 64 MB in the memory"):
        tiled(image, scheduler=cluster.address)
    assert not list(tmp_path.glob("skyshed-*"))


def test_a_scheduler_is_an_address_or_a_client():
    with pytest.raises(TypeError, match=r"address of a Dask scheduler.*got int"):
        connect(8786, 1)
