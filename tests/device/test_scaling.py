"""What is predicted of many GPUs follows from who waits for whom."""

import json

import pytest

from benchmarks import device_rates, device_scaling
from benchmarks.device_rates import GPUS
from benchmarks.device_scaling import BEST, WORST, Chain, file_to_table, simulate

GPU = GPUS[0]
#: A second for a tile of any size.
CHAIN = Chain((1.0, 1.0), (0.0, 0.0))
PLENTY = (1e18, 1e18)


@pytest.fixture(autouse=True)
def nothing_else_takes_time(monkeypatch):
    for name in ("FILE_SYSTEM", "NODE_NETWORK", "PAGE_CACHE"):
        monkeypatch.setattr(device_rates, name, PLENTY)
    monkeypatch.setattr(device_rates, "PER_SOURCE", (0.0, 0.0))
    monkeypatch.setattr(device_scaling, "HOST", (0.0, 0.0))


def run(nodes=1, gpus=1, tiles=64, processes=True, read=1.0, written=1.0):
    return simulate(
        GPU, CHAIN, BEST, nodes=nodes, gpus=gpus, tiles=tiles, pixels=1, bytes_read=read,
        bytes_written=written, processes=processes,
    )  # fmt: skip


@pytest.mark.parametrize(("nodes", "gpus"), [(1, 1), (1, 8), (4, 8), (16, 4)])
def test_gpus_that_wait_for_nothing_share_the_work(nodes, gpus):
    assert run(nodes, gpus) == pytest.approx(64 / (nodes * gpus), rel=1e-6)


def test_what_is_shared_bounds_all(monkeypatch):
    monkeypatch.setattr(device_rates, "FILE_SYSTEM", (8.0, 8.0))  # eight bytes a second
    # Of each tile one byte is read and one written: an eighth of a second each.
    assert run(16, 8) == pytest.approx(64 * 2 / 8, rel=0.02)
    monkeypatch.setattr(device_rates, "FILE_SYSTEM", PLENTY)
    monkeypatch.setattr(device_rates, "NODE_NETWORK", (8.0, 8.0))
    assert run(2, 8) == pytest.approx(run(1, 8) / 2, rel=0.05)


def test_reading_and_computing_overlap(monkeypatch):
    monkeypatch.setattr(device_rates, "NODE_NETWORK", (1.25, 1.25))  # 0.8 s to read, none to write
    together, apart = run(written=0.0), 64 * 1.8
    assert together == pytest.approx(64 + 0.8, rel=0.01)
    assert together < 0.6 * apart


def test_threads_wait_for_each_others_python_and_processes_do_not(monkeypatch):
    monkeypatch.setattr(device_scaling, "HOST", (0.5, 0.5))
    # Python of a tile runs while the device computes another, but for the first.
    assert run(1, 8, processes=True) == pytest.approx(64 / 8 + 0.5, rel=0.01)
    # Two tiles a second are all that one process begins; the last is computed besides.
    assert run(1, 8, processes=False) == pytest.approx(64 * 0.5 + 1, rel=0.01)


def test_the_time_to_the_table_is_the_sum_of_its_parts():
    ledger = json.loads(device_scaling.LEDGER.read_text())
    for gpu in GPUS:
        chain = Chain.of(gpu, ledger)
        best, worst = (file_to_table(gpu, chain, 16384, end) for end in (BEST, WORST))
        for took in (best, worst):
            parts = [took[name] for name in ("read and upload", "chain", "rows")]
            assert took["table"] == pytest.approx(sum(parts))
        assert all(best[name] <= worst[name] for name in best)
        # The line goes through the ledger's own fields.
        known = ledger["fields"]["4096"]["stages"]["whole chain"][gpu.name]
        assert chain.seconds(4096**2, BEST) == pytest.approx(known["best"])
        assert chain.seconds(4096**2, WORST) == pytest.approx(known["worst"])
