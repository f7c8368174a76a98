"""What is predicted of many GPUs follows from who waits for whom."""

import pytest

from benchmarks import device_rates, device_scaling
from benchmarks.device_rates import GPUS
from benchmarks.device_scaling import BEST, WORST, Chain, file_to_table, simulate

GPU = GPUS[0]
#: A second for a tile of any size.
CHAIN = Chain(1, (1.0, 1.0))
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


def ledger(took, blocks, longest, *, library=0.0, largest=31_811):
    """Return a ledger of one kernel that takes so long at best and at worst."""
    known = {"best": took[BEST] + 2.0, "worst": took[WORST] + 3.0}
    return {"fields": {"512": {}, "4096": {
        "stages": {"whole chain": {gpu.name: known for gpu in GPUS}},
        "kernels": {"k": {gpu.name: {"best": took[BEST], "worst": took[WORST]} for gpu in GPUS}},
        "parts": {
            "k": {gpu.name: [[blocks, longest], [2 * blocks, 2 * longest]] for gpu in GPUS}
        },
        "host": {gpu.name: {"best": 0.5, "worst": 3.0} for gpu in GPUS},
        "library": {gpu.name: {"best": library, "worst": library} for gpu in GPUS},
        "largest": largest,
    }}}  # fmt: skip


def test_blocks_grow_with_the_pixels_and_the_longest_with_the_largest_source(monkeypatch):
    monkeypatch.setattr(device_scaling, "LARGEST", {4096: 1000, 16384: 1500})
    # The longest block comes last: 2 + 8 at worst.
    chain = Chain.of(GPU, ledger((4.0, 10.0), 1.0, 4.0, largest=1000))
    assert [chain.seconds(4096**2, end) for end in (BEST, WORST)] == [6.0, 13.0]
    assert chain.seconds(16384**2, WORST) == 13.0 + 15 * 2.0 + 0.5 * 8.0
    assert chain.seconds(16384**2, BEST) == 2.0 + 16.0  # all blocks take longer than the longest
    assert chain.longest(16384**2) == 1.5 * 8.0
    # All ran at once, max(2, 8): of a larger field some wait for others.
    chain = Chain.of(GPU, ledger((4.0, 8.0), 1.0, 4.0, largest=1000))
    assert chain.seconds(4096**2, WORST) == 11.0
    assert chain.seconds(16384**2, WORST) == 3.0 + 16 * 2.0 + 1.5 * 8.0
    # Sources that are no larger than the ledger's take no less.
    assert Chain.of(GPU, ledger((4.0, 8.0), 1.0, 4.0, largest=3000)).longest(1.0) == 8.0


def test_the_librarys_kernels_grow_with_the_pixels_and_the_host_does_not():
    chain = Chain.of(GPU, ledger((1.0, 2.0), 0.0, 1.0, library=0.25))
    assert chain.seconds(2 * 4096**2, BEST) == pytest.approx(3.0 + 0.25)
    assert chain.seconds(2 * 4096**2, WORST) == pytest.approx(5.0 + 0.25, rel=0.02)


def test_the_largest_source_lies_between_those_that_were_found():
    assert device_scaling.largest_source(4096**2) == device_scaling.LARGEST[4096]
    found = [device_scaling.largest_source(side**2) for side in (100, 512, 3000, 16384, 40000)]
    assert found == sorted(found)
    assert found[-1] == device_scaling.LARGEST[16384]


def test_the_time_to_the_table_is_the_sum_of_its_parts():
    for gpu in GPUS:
        chain = Chain.of(gpu, ledger((0.01, 0.02), 0.005, 0.01))
        best, worst = (file_to_table(gpu, chain, 16384, end) for end in (BEST, WORST))
        for took in (best, worst):
            parts = [took[name] for name in ("read and upload", "chain", "rows")]
            assert took["table"] == pytest.approx(sum(parts))
        assert all(best[name] <= worst[name] for name in best)


def test_a_ledger_without_what_its_kernels_grow_by_is_refused():
    known = ledger((1.0, 2.0), 0.5, 1.0)
    del known["fields"]["4096"]["parts"]
    with pytest.raises(ValueError, match=r"device-ledger\.json has no 'parts'.*benchmarks.device"):
        Chain.of(GPU, known)


def test_the_report_says_what_it_rests_on():
    text = device_scaling.report(ledger((0.01, 0.02), 0.005, 0.01))
    assert "31,811 in 4096 x 4096 and 36,234 in 16384 x 16384" in text
    assert "| H200 | 16384 x 16384 |" in text
