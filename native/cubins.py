"""Makes the GPU's machine code that ships with the package: `cmake --build native` runs it.

    python native/cubins.py --into FOLDER [--only sm_90 ...] [--required]

Each `.cu` file is compiled by NVRTC for each architecture and type of image, with the options of
`skyshed.kernels.cubins`, into one zip for each architecture. What the zips have already is not
compiled again. Without NVRTC nothing is made: the package then works on the CPU, and on a GPU only
with a compiler at hand (`--required` makes that an error).

NVRTC 12 is taken before 13: its cubins load on drivers of CUDA 12 and of all later releases.
"""

import argparse
import json
import os
import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from native import nvrtc  # noqa: E402

#: The same bytes for the same code: entries are dated with the first date that a zip knows.
DATE = (1980, 1, 1, 0, 0, 0)


def _package() -> ModuleType:
    """Import what says how kernels are compiled; a build lacks all else that the package needs."""
    for name in ("skyshed", "skyshed.kernels"):
        if name not in sys.modules:
            bare = ModuleType(name)
            bare.__path__ = [str(ROOT / "src" / Path(*name.split(".")))]
            sys.modules[name] = bare
    from skyshed.kernels import cubins

    return cubins


cubins = _package()


def compiled(task: tuple[str, cubins.Program]) -> tuple[bytes, dict]:
    """Compile a program for an architecture; return its code and its entry of the manifest."""
    architecture, program = task
    options = cubins.options(architecture, program.real)
    code, log = nvrtc.compiled(
        cubins.text(program.file), (*options, "--ptxas-options=-v"), ptx=architecture == cubins.PTX
    )
    kernels = {row.kernel: asdict(row) for row in nvrtc.resources(log)}
    return code, {"digest": program.digest, "kernels": kernels}


def build(folder: Path, architectures: tuple[str, ...]) -> int:
    """Bring the zips of a folder up to date; return how many programs were compiled for that."""
    release = list(nvrtc.version())
    programs = cubins.programs()
    wanted = [(name, program) for name in architectures for program in programs]
    done = {}
    for name in architectures:
        cubins.store.cache_clear()
        before = cubins.store(name, folder)
        if before is not None and before.manifest["nvrtc"] == release:
            for program in programs:
                if (code := before.code(program)) is not None:
                    done[name, program] = code, before.manifest["programs"][program.entry]
    missing = [task for task in wanted if task not in done]
    if missing:
        # The dearest first, so that no process is left with one at the end.
        missing.sort(key=lambda task: -len(cubins.text(task[1].file)))
        with ProcessPoolExecutor(_cores()) as pool:
            done.update(zip(missing, pool.map(compiled, missing), strict=True))
    for name in {name for name, _ in missing}:
        _write(folder, name, release, {program: done[name, program] for program in programs})
    return len(missing)


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _write(folder: Path, architecture: str, release: list[int], made: dict) -> None:
    path = cubins.path_of(architecture, folder)
    manifest = {
        "nvrtc": release,
        "options": cubins.OPTIONS,
        "programs": {program.entry: entry for program, (_, entry) in made.items()},
    }
    contents = {cubins.MANIFEST: json.dumps(manifest, indent=1).encode()}
    contents |= {program.entry: code for program, (code, _) in made.items()}
    folder.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as opened:
        for name, content in contents.items():
            opened.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED, 9)
    scratch.replace(path)


def main() -> int:
    """Build what is asked for, and say what was built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--into", type=Path, default=cubins.FOLDER)
    parser.add_argument("--only", nargs="+", choices=cubins.ARCHITECTURES, metavar="ARCHITECTURE")
    parser.add_argument("--required", action="store_true", help="fail without NVRTC")
    given = parser.parse_args()
    try:
        release = nvrtc.version()
    except FileNotFoundError as error:
        print(f"skyshed: no GPU machine code is built, for the CPU only: {error}")
        return 1 if given.required else 0
    architectures = tuple(given.only or cubins.ARCHITECTURES)
    count = build(given.into, architectures)
    paths = [cubins.path_of(name, given.into) for name in architectures]
    size = sum(path.stat().st_size for path in paths) / 1e6
    print(
        f"skyshed: GPU machine code for {', '.join(architectures)} by NVRTC "
        f"{'.'.join(map(str, release))}, for drivers of CUDA {release[0]} and later: "
        f"{size:.1f} MB, {count} programs compiled"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
