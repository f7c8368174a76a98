"""What ships is what the real compiler makes of every kernel file, with the options that we say."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from native import cubins as builder
from native import nvrtc
from skyshed.kernels import cubins
from tests.device import elf, kernel_files

#: The architecture of the table of resources.
TABLED = "sm_90"
#: Where to write the table of resources, one file a source file; `run.py` collects them.
TABLE = "SKYSHED_NVRTC_TABLE"

FILES = pytest.mark.parametrize("path", kernel_files.files(), ids=kernel_files.name)
SPILLING = r"""
extern "C" __global__ void spill(const double *x, double *y) {
    double a[64];
    for (int i = 0; i < 64; ++i) a[i] = x[threadIdx.x + 64 * i];
    for (int k = 0; k < 9; ++k)
        for (int i = 0; i < 64; ++i) a[i] = a[i] * a[(i * 7 + 3) % 64] + a[(i + 1) % 64];
    for (int i = 0; i < 64; ++i) y[threadIdx.x + 64 * i] = a[i];
}
"""
SUMS = r"""
extern "C" __global__ void sums(const float *x, double *y) {
    y[0] = y[1] * y[2] + y[3] / y[4] + sqrt(y[5]);
    y[1] = x[0] * x[1] + x[2] / x[3] + sqrtf(x[4]) + double(x[5]);
}
"""
#: In PTX: arithmetic that takes subnormal numbers for 0, or that is not rounded as IEEE 754 says,
#: and arithmetic without ``.rn``, which the driver may contract.
#: (The seed of a reciprocal in float64 exists as ``rcp.approx.ftz.f64`` alone.)
INEXACT = re.compile(
    r"^.*(?:\.ftz\.f32|\.full\.f32|\.approx\.f32|\b(?:add|sub|mul)\.f(?:32|64)).*$", re.M
)
FUSED = re.compile(r"\bfma\.rn\.f(?:32|64)")
#: What CUDA's library computes with fused operations of its own.
LIBRARY = re.compile(r"\b(?:fma|pow|exp|log|sin|cos|sincos|atan2|asin|sinh|hypot)\(")
COLUMNS = ("registers", "shared", "stack", "spilled")
#: In machine code: what takes subnormal numbers for 0. (F2I.FTZ is a step of integer division.)
FLUSHING = re.compile(r"\b(?!F2I\b)[A-Z][A-Z0-9]*(?:\.[A-Z0-9]+)*\.FTZ\b")
#: Files where CuPy's own options put many of them.
COMPARING = ("labelling/labelling.cu", "boxes/boxes.cu", "convolution/convolution.cu")


@pytest.fixture(scope="module", autouse=True)
def built():
    """Bring what ships up to date: a no-op where the build has done so."""
    builder.build(cubins.FOLDER, cubins.ARCHITECTURES)
    cubins.store.cache_clear()


def ptx_of(text, *options):
    code, _ = nvrtc.compiled(text, options, ptx=True)
    return code.decode()


@FILES
@pytest.mark.parametrize("architecture", cubins.CUBINS)
def test_every_file_ships_for_every_architecture(path, architecture):
    store = cubins.store(architecture)
    for program in kernel_files.programs(path):
        assert store.code(program)[:4] == b"\x7fELF"
        rows = store.manifest["programs"][program.entry]["kernels"]
        assert sorted(rows) == sorted(kernel_files.kernels(path))
        if architecture == TABLED:
            _write_table(path, program.real, rows.values())


def test_everything_ships_was_compiled_with_the_options_that_are_said():
    for architecture in cubins.ARCHITECTURES:
        assert tuple(cubins.store(architecture).manifest["options"]) == (
            "--std=c++17",
            "--fmad=false",
            "--ftz=false",
            "--prec-div=true",
            "--prec-sqrt=true",
            "--device-as-default-execution-space",
        )


@pytest.mark.parametrize("file", [COMPARING[0], "weighting/weighting.cu"])
def test_what_ships_is_bit_for_bit_what_those_options_give(file):
    """Without compiling some anew the manifest would be a claim."""
    program = cubins.Program(file, "float")
    code, _ = nvrtc.compiled(cubins.text(program.file), cubins.options("sm_75", program.real))
    assert cubins.store("sm_75").code(program) == code


@pytest.mark.parametrize("architecture", cubins.CUBINS)
def test_registers_and_shared_memory_are_those_of_the_machine_code(architecture):
    """The stand-in refuses launches by what the compiler's log has said of them."""
    store, seen = cubins.store(architecture), 0
    reserved = int(architecture.partition("_")[2]) >= 90
    for program in cubins.programs():
        code = store.code(program)
        known = store.manifest["programs"][program.entry]["kernels"]
        assert elf.registers(code) == {name: row["registers"] for name, row in known.items()}
        for name, row in known.items():
            assert elf.shared(code, name, reserved) == row["shared"], name
            seen += row["shared"] > 0
    assert seen > 10


@FILES
def test_ptx_is_neither_flushed_nor_contracted(path):
    """Nor may the driver do so later: PTX has no flags beside its instructions."""
    for program in kernel_files.programs(path):
        text = cubins.store(cubins.PTX).code(program).decode()
        assert f".target sm_{cubins.PTX.partition('_')[2]}" in text
        assert sorted(re.findall(r"^\.visible \.entry (\w+)", text, re.M)) == sorted(
            kernel_files.kernels(path)
        )
        assert INEXACT.findall(text) == []
        assert LIBRARY.search(cubins.text(program.file)) or FUSED.findall(text) == []


@pytest.mark.parametrize(
    ("option", "seen"),
    [
        ("--ftz=true", INEXACT),
        ("--prec-div=false", INEXACT),
        ("--prec-sqrt=false", INEXACT),
        ("--fmad=true", FUSED),
    ],
)
def test_what_other_options_do_is_seen_in_ptx(option, seen):
    ours = cubins.options(cubins.PTX, "float")
    assert seen.findall(ptx_of(SUMS, *ours)) == []
    assert seen.findall(ptx_of(SUMS, *ours, option)) != []


def disassembled(code, tmp_path):
    """Return machine code as text; by a tool of the toolkit that pip installs, too."""
    spec = importlib.util.find_spec("nvidia")
    wheels = [Path(folder) for folder in spec.submodule_search_locations] if spec else []
    found = [path for folder in wheels for path in folder.glob("*/bin/nvdisasm")]
    tool = str(found[0]) if found else shutil.which("nvdisasm")
    if tool is None:
        pytest.skip("nvdisasm is not installed: pip install '.[device-test]'")
    (tmp_path / "one.cubin").write_bytes(code)
    command = [tool, "-c", str(tmp_path / "one.cubin")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("file", COMPARING)
def test_machine_code_keeps_subnormal_numbers(file, tmp_path):
    program = cubins.Program(file, "float")
    assert FLUSHING.findall(disassembled(cubins.store("sm_90").code(program), tmp_path)) == []


def test_flushing_is_seen_in_machine_code(tmp_path):
    told = (*cubins.options("sm_90", "float"), "--ftz=true")
    assert FLUSHING.findall(disassembled(nvrtc.compiled(SUMS, told)[0], tmp_path)) != []


def test_an_error_is_the_compilers_with_the_files_line():
    text = '#line 7 "part.cu"\nextern "C" __global__ void f(int *a) { a[0] = b; }'
    with pytest.raises(nvrtc.CompileError, match=r'part\.cu\(7\): error: identifier "b"'):
        nvrtc.compiled(text, cubins.options("sm_90", "float"))


def test_an_include_is_refused():
    with pytest.raises(nvrtc.CompileError, match=r"stdio\.h"):
        nvrtc.compiled("#include <stdio.h>\n", cubins.options("sm_90", "float"))


def test_spills_are_seen():
    options = ("--gpu-architecture=sm_90", "--ptxas-options=-v", "--maxrregcount=32")
    (row,) = nvrtc.resources(nvrtc.compiled(SPILLING, options)[1])
    assert (row.kernel, row.registers) == ("spill", 32)
    assert row.spilled > 0


def _write_table(path, real, rows):
    if TABLE not in os.environ:
        return
    name = kernel_files.name(path)
    lines = [
        "\t".join(map(str, (name, row["kernel"], real, *(row[column] for column in COLUMNS))))
        for row in rows
    ]
    target = Path(os.environ[TABLE]) / f"{name.replace('/', '-')}-{real}.tsv"
    target.write_text("\n".join(lines) + "\n")
