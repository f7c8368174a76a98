"""What is launched is what ships, loaded once for each device; NVRTC makes what does not ship."""

import threading

import numpy as np
import pytest

from skyshed.kernels import cubins

PACKAGE, FILE = "skyshed.kernels.masks", "masks.cu"
PROGRAM = cubins.Program("masks/masks.cu", "float")


@pytest.fixture
def loads(counted, monkeypatch):
    """The bytes that modules are loaded from, and the options that NVRTC is given."""
    seen = {"code": [], "options": []}
    load, compile_program = counted.cuda.Module.load, counted.cuda.nvrtc.compileProgram

    def loaded(module, code):
        seen["code"].append(code)
        load(module, code)

    def compiled(program, options):
        seen["options"].append(options)
        compile_program(program, options)

    monkeypatch.setattr(counted.cuda.Module, "load", loaded)
    monkeypatch.setattr(counted.cuda.nvrtc, "compileProgram", compiled)
    return seen


def kernels():
    from skyshed.kernels.cuda import Kernels

    return Kernels(PACKAGE, FILE)


def test_what_ships_is_loaded_and_nothing_compiled(loads):
    kernels().function("pack", "float")
    assert loads == {"code": [cubins.store("sm_90").code(PROGRAM)], "options": []}


def test_a_kernel_is_found_once_and_a_module_loaded_once(loads):
    ours = kernels()
    first = ours.function("pack", "float")
    assert ours.function("pack", "float") is first
    assert ours.function("grow", "float") is not first
    assert len(loads["code"]) == 1


def test_threads_load_a_module_once(loads):
    ours, start = kernels(), threading.Barrier(8)

    def first_use():
        start.wait()
        ours.function("pack", "float")

    threads = [threading.Thread(target=first_use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads["code"]) == 1


def test_a_changed_text_is_compiled_with_the_options_that_ship(loads, monkeypatch):
    text = cubins.text(PROGRAM.file)
    monkeypatch.setattr(cubins, "text", lambda file: f"{text}// changed\n")
    with pytest.warns(RuntimeWarning, match="no machine code for sm_90: each process compiles"):
        kernels().function("pack", "float")
    assert loads["options"] == [cubins.options("sm_90", "float")]
    assert not any("ftz=true" in option for option in loads["options"][0])
    assert len(loads["code"]) == 1


def test_what_the_driver_refuses_is_ptx_next_and_then_compiled(loads, counted, monkeypatch):
    load = counted.cuda.Module.load
    refused = [cubins.store(name).code(PROGRAM) for name in ("sm_90", cubins.PTX)]

    def unwilling(module, code):
        load(module, code)
        if code in refused[:n_refused]:
            raise counted.cuda.driver.CUDADriverError("CUDA_ERROR_UNSUPPORTED_PTX_VERSION")

    monkeypatch.setattr(counted.cuda.Module, "load", unwilling)
    for n_refused, n_compiled in ((1, 0), (2, 1)):
        loads["code"].clear()
        kernels().function("pack", "float")
        assert loads["code"][: n_refused + 1] == (refused + loads["code"][2:])[: n_refused + 1]
        assert len(loads["options"]) == n_compiled


def test_without_code_and_compiler_the_message_says_what_to_do(counted, monkeypatch):
    def missing(*_):
        raise RuntimeError("CuPy failed to load libnvrtc.so.13")

    monkeypatch.setattr(cubins, "stores_for", lambda capability: [])
    monkeypatch.setattr(counted.cuda.nvrtc, "createProgram", missing)
    with pytest.raises(ImportError) as caught:
        kernels().function("pack", "float")
    for part in (
        "masks/masks.cu can't be run on this GPU (compute capability 9.0)",
        "nothing that ships fits",
        "libnvrtc.so.13",
        "install a skyshed that was built with machine code for GPUs, or NVRTC",
    ):
        assert part in str(caught.value)


def test_subnormal_pixels_are_pixels_on_the_device_too(cupy):
    """With CuPy's own options they were 0, and labels others than the host's."""
    import skyshed

    tiny = np.finfo(np.float32).smallest_subnormal
    image = np.zeros((40, 50), np.float32)
    image[3:20, 5:30] = tiny * (np.random.default_rng(1).random((17, 25)) < 0.3)
    here = skyshed.detect_sources(image, 0.0, 1)
    there = skyshed.detect_sources(cupy.asarray(image), 0.0, 1)
    assert here.nlabels > 5
    np.testing.assert_array_equal(there.to_host().data, here.data)
