"""Objects that a user has can be pickled, copied and shared, and are then the same."""

import copy
import multiprocessing
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from tests.pipeline_field import make_field, same_tables

SETTINGS = {"nsigma": 3.0, "box_size": 32}

WAYS = {
    "pickle": lambda given: pickle.loads(pickle.dumps(given)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


def made_in(folder):
    data = make_field()
    whole = skyshed.extract(data, **SETTINGS)
    return {
        "background": (skyshed.Background2D(data, 32), lambda each: each.background),
        "extraction": (whole, lambda each: each.data[:]),
        "tiles": (skyshed.extract(data, workspace=folder, **SETTINGS), lambda each: each.data[:]),
        "catalog": (whole.catalog, lambda each: each.kron_flux),
        "labels": (whole.segmentation, lambda each: each.data),
        "local": (skyshed.LocalBackground(3, 6), lambda each: each(data, 40.0, 50.0)),
        "finder": (skyshed.SourceFinder(5, progress_bar=False), lambda each: each(data, 40.0).data),
        "parameters": (whole.parameters, lambda each: each.to_toml()),
    }


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    return made_in(tmp_path_factory.mktemp("tiles"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "name",
    ["background", "extraction", "tiles", "catalog", "labels", "local", "finder",
     "parameters"],
)  # fmt: skip
def test_objects_are_the_same_when_they_come_back(objects, name, way):
    given, look = objects[name]
    back = WAYS[way](given)
    assert type(back) is type(given)
    np.testing.assert_array_equal(look(back), look(given))
    if name in ("extraction", "tiles"):
        assert same_tables(back.table, given.table)
        assert back.record == given.record


#: What threads ask of objects that are shared, at the same time: what is computed when it is asked
#: for is computed once, or is the same each time.
ASKED = {
    "catalog": lambda it: it["catalog"].to_table()["kron_flux"],
    "centroids": lambda it: it["catalog"].centroid_win,
    "radii": lambda it: it["catalog"].fluxfrac_radius(0.5),
    "labels": lambda it: it["labels"].areas,
    "polygons": lambda it: np.concatenate([np.ravel(p.exterior.coords) for p in it["polygons"]()]),
    "background": lambda it: it["background"].background,
    "noise": lambda it: it["background"].background_rms,
    "extraction": lambda it: it["extraction"].table["segment_flux"],
    "convolved": lambda it: it["extraction"].convolved_data[:],
}


def shared():
    data = make_field()
    found = skyshed.extract(data, **SETTINGS)
    segmentation = skyshed.SegmentationImage(found.segmentation.data.copy())
    pytest.importorskip("shapely")
    return {
        "catalog": skyshed.SourceCatalog(data, segmentation), "labels": segmentation,
        "polygons": segmentation.to_polygons if hasattr(segmentation, "to_polygons")
        else lambda: segmentation.polygons,
        "background": skyshed.Background2D(data, 32), "extraction": found,
    }  # fmt: skip


def test_eight_threads_may_ask_shared_objects_at_once():
    expected = {name: np.asarray(ask(given)) for given in [shared()] for name, ask in ASKED.items()}
    given, together = shared(), threading.Barrier(8)

    def ask(k):
        names = list(ASKED)[k:] + list(ASKED)[:k]
        together.wait()
        return {name: np.asarray(ASKED[name](given)) for name in names}

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(ask, range(8)):
            for name, values in found.items():
                np.testing.assert_array_equal(values, expected[name])


def table_of(image, answers):
    answers.put(np.asarray(skyshed.extract(image, **SETTINGS).table["kron_flux"]))


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("of_file", [False, True], ids=["array", "file"])
def test_processes_begin_while_kernels_run_and_work(start, of_file, tmp_path):
    """A process that begins by a fork has no threads of its parent's, whose locks are let go."""
    image, over, wrong = make_field(), threading.Event(), []
    if of_file:
        fits.writeto(tmp_path / "image.fits", image)
        image = tmp_path / "image.fits"
    expected = np.asarray(skyshed.extract(image, **SETTINGS).table["kron_flux"])

    def work():
        while not over.is_set():
            found = np.asarray(skyshed.extract(image, n_threads=2, **SETTINGS).table["kron_flux"])
            if not np.array_equal(found, expected):
                wrong.append(found)

    worker = threading.Thread(target=work)
    worker.start()
    context = multiprocessing.get_context(start)
    answers = context.Queue()
    processes = []
    try:
        for _ in range(8 if start == "fork" else 2):
            processes.append(context.Process(target=table_of, args=(image, answers)))
            processes[-1].start()
            np.testing.assert_array_equal(answers.get(timeout=120), expected)
            processes[-1].join(120)
            assert processes[-1].exitcode == 0
    finally:
        over.set()
        worker.join()
        for process in processes:
            process.kill()
    assert not wrong
