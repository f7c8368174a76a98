"""The smallest truth: every program loads, and each stage gives the CPU's answer."""

import time

import cupy

from benchmarks.device_chain import STAGES, Results
from benchmarks.device_times import READS, _uploaded, _verdict
from benchmarks.scene import survey_scene
from skyshed.kernels import cubins
from skyshed.kernels.cuda import Kernels


def run(rehearsal: bool) -> None:
    """Load everything, then run each stage on the CPU's inputs.

    Raises
    ------
    SystemExit
        If a program does not load or a stage gives another answer.
    """
    bad = _load() + _compare(160 if rehearsal else 512)
    print("smoke:", f"{bad} FAILED" if bad else "everything loads, all stages agree")
    if bad:
        raise SystemExit(1)


def _load() -> int:
    """Load the code of each program on the device; return how many fail."""
    failed, begun = 0, time.perf_counter()
    for program in cubins.programs():
        folder, _, name = program.file.partition("/")
        start = time.perf_counter()
        try:
            Kernels(f"skyshed.kernels.{folder}", name).module(program.real)
            said = "ok"
        except Exception as error:  # whatever it is, the others are tried
            failed += 1
            said = f"FAILED {type(error).__name__}: {str(error)[:300]}"
        spent = time.perf_counter() - start
        print(f"{program.entry}: {spent * 1e3:.1f} ms {said}", flush=True)
    print(f"{len(cubins.programs())} programs in {time.perf_counter() - begun:.2f} s")
    return failed


def _compare(size: int) -> int:
    """Run each stage on the device and on the host; return how many differ."""
    scene, wrong = survey_scene(size, 1, None), 0
    here: Results = {"image": scene.data, "mask": scene.mask}
    for name, stage in STAGES.items():
        given = {key: here[key] for key in READS[name]}
        there = {key: _uploaded(cupy, value) for key, value in given.items()}
        start = time.perf_counter()
        stage(there)
        cupy.cuda.Device().synchronize()
        first = time.perf_counter() - start
        stage(given)
        verdict = _verdict(name, there, given)
        wrong += "WRONG" in verdict
        print(f"{name}: first call {first:.2f} s; {verdict}", flush=True)
        here |= given
    return wrong
