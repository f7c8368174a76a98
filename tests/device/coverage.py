"""Which kernels were launched and, from gcov's counts, which lines of the kernel files ran.

Tests that keep the emulator's libraries in a folder leave there, for each library, the text it was
built from and the kernels that were launched; under its "coverage" variant also the lines' counts.
`#line` in the text gives each line its file's name; a library belongs to the kernel file whose text
it holds.
"""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.device import kernel_files
from tests.device.emulator.build import with_checked_casts

#: What the emulator and the stand-in call a text that has no name of its own: the prelude is first.
UNNAMED = "kernel.cu"


@dataclass
class Coverage:
    """How often lines and kernels ran, by file."""

    lines: dict[str, Counter] = field(default_factory=dict)
    kernels: dict[str, Counter] = field(default_factory=dict)

    @property
    def n_lines(self) -> int:
        return sum(len(counts) for counts in self.lines.values())

    def not_run(self) -> list[str]:
        """Return ``file:line`` of each line that never ran, with its text."""
        missing = []
        for name, counts in sorted(self.lines.items()):
            text = (kernel_files.FOLDER / name).read_text().splitlines()
            missing += [
                f"{name}:{line}: {text[line - 1].strip()}"
                for line, count in sorted(counts.items())
                if not count
            ]
        return missing

    def not_launched(self) -> list[str]:
        """Return the ``__global__`` functions that no test launched."""
        return [
            f"{kernel_files.name(path)}: {kernel}"
            for path in kernel_files.files()
            for kernel in kernel_files.kernels(path)
            if not self.kernels.get(kernel_files.name(path), Counter())[kernel]
        ]


def collect(folders: list[Path]) -> Coverage:
    """Merge the counts that test runs left in ``folders``."""
    found = Coverage()
    for folder in folders:
        for counts in sorted(folder.glob("*.gcda")):
            for owner in _owners(counts):
                for entry in _gcov(counts)["files"]:
                    _add(found, owner, entry)
    return found


def never_launched(folder: Path) -> list[str]:
    """Return the ``__global__`` functions that no test launched with libraries in ``folder``."""
    launched = {
        (owner, kernel)
        for notes in folder.glob("*.launched")
        for owner in _owners(notes)
        for kernel in notes.read_text().split()
    }
    return [
        f"{kernel_files.name(path)}: {kernel}"
        for path in kernel_files.files()
        for kernel in kernel_files.kernels(path)
        if (path, kernel) not in launched
    ]


def _owners(beside: Path) -> list[Path]:
    """Return the kernel file that a library was built from; none for a text of a test's own."""
    unit = beside.with_suffix(".cpp").read_text()
    return [
        path
        for path in kernel_files.files()
        if with_checked_casts(kernel_files.source(path)) in unit
    ]


def _gcov(counts: Path) -> dict:
    done = subprocess.run(
        ["gcov", "--json-format", "--stdout", str(counts)],
        capture_output=True, text=True, check=True, cwd=counts.parent,
    )  # fmt: skip
    return json.loads(done.stdout)


def _add(found: Coverage, owner: Path, entry: dict) -> None:
    """Add one file's counts; the thunks and the emulator's header are no kernel code."""
    reported = Path(entry["file"])
    if reported.is_absolute():
        return
    places = [kernel_files.FOLDER / reported, owner.parent / reported]
    if reported.name == UNNAMED:
        places = [kernel_files.FOLDER / "prelude.cu"]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return
    name = kernel_files.name(path)
    lines = found.lines.setdefault(name, Counter())
    for line in entry["lines"]:
        lines[line["line_number"]] += line["count"]
    launched = found.kernels.setdefault(kernel_files.name(owner), Counter())
    for function in entry["functions"]:
        launched[function["demangled_name"]] += function["execution_count"]
