"""The GPU's machine code: which of it a device takes, and what is built without a compiler."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from native import cubins as builder
from native import nvrtc
from skyshed.kernels import cubins

ROOT = Path(builder.__file__).parents[1]
PROGRAM = cubins.Program("masks/masks.cu", "float")


def ship(folder, architecture, **changes):
    """Write a zip with one program, and forget what was read before."""
    entry = {"digest": PROGRAM.digest, "kernels": {}} | changes.pop("entry", {})
    manifest = {"nvrtc": [12, 9], "options": cubins.OPTIONS, "programs": {PROGRAM.entry: entry}}
    with zipfile.ZipFile(cubins.path_of(architecture, folder), "w") as made:
        made.writestr(cubins.MANIFEST, json.dumps(manifest | changes))
        made.writestr(PROGRAM.entry, f"code for {architecture}")
    cubins.store.cache_clear()


@pytest.fixture
def shipped(tmp_path):
    """A folder with something for each architecture."""
    for architecture in cubins.ARCHITECTURES:
        ship(tmp_path, architecture)
    yield tmp_path
    cubins.store.cache_clear()


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((7, 0), []),
        ((7, 5), ["sm_75", "compute_75"]),
        ((8, 0), ["sm_80", "compute_75"]),
        ((8, 6), ["sm_86", "sm_80", "compute_75"]),
        ((8, 7), ["compute_75"]),
        ((8, 9), ["sm_86", "sm_80", "compute_75"]),
        ((9, 0), ["sm_90", "compute_75"]),
        ((10, 3), ["sm_100", "compute_75"]),
        ((11, 0), ["compute_75"]),
        ((12, 0), ["sm_120", "compute_75"]),
        ((12, 1), ["sm_120", "compute_75"]),
        ((13, 0), ["compute_75"]),
    ],
)
def test_a_gpu_gets_cubins_of_its_generation_and_no_newer_and_else_ptx(
    shipped, capability, expected
):
    found = cubins.stores_for(capability, shipped)
    assert [store.architecture for store in found] == expected
    assert [store.code(PROGRAM) for store in found] == [
        f"code for {name}".encode() for name in expected
    ]


def test_what_is_not_built_is_not_offered(shipped):
    cubins.path_of("sm_90", shipped).unlink()
    cubins.store.cache_clear()
    assert [store.architecture for store in cubins.stores_for((9, 0), shipped)] == ["compute_75"]


def test_code_of_another_text_or_of_other_options_is_not_run(shipped):
    ship(shipped, "sm_90", entry={"digest": "of yesterday's text"})
    assert cubins.store("sm_90", shipped).code(PROGRAM) is None
    assert cubins.store("sm_90", shipped).code(cubins.Program("zoom/zoom.cu", "float")) is None
    ship(shipped, "sm_90", options=[*cubins.OPTIONS, "--ftz=true"])
    assert cubins.store("sm_90", shipped) is None


def test_a_program_is_a_file_and_a_type_of_image():
    found = {(program.file, program.real) for program in cubins.programs()}
    assert {("moments/moments.cu", "float"), ("moments/moments.cu", "double")} <= found
    assert ("masks/masks.cu", "float") in found
    assert ("masks/masks.cu", "double") not in found


def test_a_build_without_a_compiler_makes_nothing_and_says_so(tmp_path):
    """Python's own library is enough: nothing that is installed is seen."""
    for required, status in (([], 0), (["--required"], 1)):
        told = [str(ROOT / "native" / "cubins.py"), "--into", str(tmp_path), *required]
        code = (
            "import ctypes.util, runpy, sys; ctypes.util.find_library = lambda name: None; "
            f"sys.argv = {told!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
        )
        command = [sys.executable, "-I", "-S", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert "no GPU machine code is built, for the CPU only" in done.stdout
        assert list(tmp_path.iterdir()) == []


def test_what_is_built_is_not_built_again_until_its_text_changes(tmp_path, monkeypatch):
    """By a compiler that answers at once."""
    asked = []

    def compiled(text, options, *, ptx):
        asked.append(options)
        return (b"PTX" if ptx else b"\x7fELF"), ""

    monkeypatch.setattr(builder.nvrtc, "compiled", compiled)
    monkeypatch.setattr(builder.nvrtc, "version", lambda: (12, 9))
    monkeypatch.setattr(builder, "ProcessPoolExecutor", Here)
    programs = cubins.programs()
    wanted = ("sm_90", cubins.PTX)
    assert builder.build(tmp_path, wanted) == 2 * len(programs)
    assert builder.build(tmp_path, wanted) == 0
    assert cubins.options("sm_90", "double") == (
        "--gpu-architecture=sm_90", *cubins.OPTIONS, "-DREAL=double",
    )  # fmt: skip
    assert {told[:-1] for told in asked} == {
        cubins.options(architecture, real) for architecture in wanted for real in cubins.REALS
    }
    before = cubins.path_of("sm_90", tmp_path).read_bytes()
    text = cubins.text
    monkeypatch.setattr(cubins, "text", lambda file: f"{text(file)}// changed")
    assert builder.build(tmp_path, ("sm_90",)) == len(programs)
    assert cubins.path_of("sm_90", tmp_path).read_bytes() != before
    monkeypatch.setattr(builder.nvrtc, "version", lambda: (13, 5))
    assert builder.build(tmp_path, ("sm_90",)) == len(programs)
    cubins.store.cache_clear()


class Here:
    """A pool of processes without processes."""

    def __init__(self, count):
        assert count >= 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    map = staticmethod(map)


def test_the_compiler_of_the_oldest_release_is_taken(tmp_path):
    """Its cubins load on more drivers."""
    names = (
        "cu13/lib/libnvrtc.so.13", "cuda_nvrtc/lib/libnvrtc.so.12",
        "cuda_nvrtc/lib/libnvrtc.alt.so.12", "cuda_nvrtc/lib/libnvrtc-builtins.so.12.9",
        "cuda_nvrtc/bin/nvrtc64_120_0.dll", "cuda_nvrtc/bin/nvrtc-builtins64_129.dll",
    )  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in nvrtc.installed([tmp_path])]
    assert sorted(found[:2]) == [names[4], names[1]]
    assert found[2:] == [names[0]]
