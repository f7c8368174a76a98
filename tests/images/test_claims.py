"""Headers that claim more than any file holds are refused in a line, in little time and memory."""

import gzip
import json
import subprocess
import sys

import asdf
import numpy as np
import pytest
import zarr
from astropy.io import fits

from skyshed.images import open_image
from tests.images.files import stars

pytest.importorskip("resource", reason="what a process may take is limited by the system")

#: Names of cards, or several, and numbers that they cannot have.
LENGTHS = [("NAXIS1", 2**31 - 1), ("NAXIS1", 2**31), ("NAXIS2", 2**31), ("NAXIS", 10**9)]
OF_TABLES = [("NAXIS1", 2**31), ("NAXIS1", 10**12), ("NAXIS2", 2**31), ("NAXIS", 10**9)]
OF_TILES = [
    ("ZNAXIS1", 2**31 - 1), ("ZNAXIS2", 2**31), ("ZNAXIS", 10**9), ("ZTILE2", 2**31),
    ("TFIELDS", 10**9),
]  # fmt: skip
#: Runs the command for each file in the three ways, and says how each ended. What the process may
#: take is bounded: 1 GB of address space more than its imports, 60 s of CPU time for all.
CHILD = """
import contextlib, io, json, pathlib, resource, sys
import skyshed.mosaic.start, skyshed.extraction.plan, distributed, asdf
from skyshed.cli import main

folder = pathlib.Path(sys.argv[1])
pages = int(open("/proc/self/statm").read().split()[0]) if sys.platform == "linux" else 2**21
resource.setrlimit(resource.RLIMIT_AS, (resource.getpagesize() * pages + 10**9,) * 2)
used = resource.getrusage(resource.RUSAGE_SELF)
resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 60,) * 2)
for name in sys.argv[2:]:
    for way in ([], ["--workspace", str(folder / "work")], ["--plan"]):
        said = io.StringIO()
        given = ["extract", str(folder / name), "--out", str(folder / "out"), "--quiet", *way]
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            status = main(given)
        left = [each for each in ("work", "out") if (folder / each).exists()]
        print(json.dumps([name, way[:1], status, said.getvalue(), left]), flush=True)
"""


def with_card(content, name, value):
    """Change a number in the last header of a file that has it."""
    begin = content.rindex(f"{name:8s}= ".encode())
    card = f"{name:8s}= {value:>20d}".encode()
    return content[:begin] + card + content[begin + len(card) :]


def plain(folder):
    fits.writeto(folder / "sound.fits", stars())
    content = (folder / "sound.fits").read_bytes()
    for name, value in LENGTHS:
        claims = with_card(content, name, value)
        (folder / f"{name}-{value}.fits").write_bytes(claims)
        (folder / f"{name}-{value}.fits.gz").write_bytes(gzip.compress(claims))


def compressed(folder, kind):
    fits.CompImageHDU(stars(), compression_type=kind).writeto(folder / "sound.fits")
    content = (folder / "sound.fits").read_bytes()
    for name, value in OF_TABLES + OF_TILES:
        claims = with_card(content, name, value)
        (folder / f"{name}-{value}.fits").write_bytes(claims)
        (folder / f"{name}-{value}.fits.fz.gz").write_bytes(gzip.compress(claims))
    both = with_card(with_card(content, "NAXIS2", 10**9), "ZNAXIS2", 10**9)
    (folder / "both.fits").write_bytes(both)


def trees(folder):
    asdf.AsdfFile({"data": stars()}).write_to(folder / "sound.asdf")
    content = (folder / "sound.asdf").read_bytes()
    for length in (2**31, 10**12):
        claims = content.replace(b"shape: [120, 120]", f"shape: [{length}, 120]".encode())
        assert claims != content
        (folder / f"{length}.asdf").write_bytes(claims)


def arrays(folder):
    """Chunks that are not there are no damage in Zarr: what is refused is the number of tiles."""
    for number, shape in enumerate([(2**31, 2**31), (10**12, 10**12), (2**62, 2**62)]):
        path = folder / f"{number}.zarr"
        zarr.create_array(path, data=stars(), chunks=(60, 60))
        meta = json.loads((path / "zarr.json").read_text())
        meta["shape"] = shape
        (path / "zarr.json").write_text(json.dumps(meta))


@pytest.mark.parametrize(
    "write",
    [
        plain,
        lambda it: compressed(it, "RICE_1"),
        lambda it: compressed(it, "GZIP_2"),
        trees,
        arrays,
    ],
    ids=["FITS", "RICE_1", "GZIP_2", "ASDF", "Zarr"],
)
def test_what_no_file_holds_is_refused_in_one_line_with_bounded_time_and_memory(tmp_path, write):
    write(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir() if path.stem != "sound")
    command = [sys.executable, "-c", CHILD, str(tmp_path), *names]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 3 * len(names)
    for name, way, status, said, left in rows:
        case = name, way, said
        assert status == 2, case
        assert said.startswith("skyshed: error: "), case
        assert said.count("\n") == 1, case
        assert name in said or "tiles" in said, case
        assert "internal error" not in said, case
        assert left == [], case


def changed(folder, name, card, packed=False, more=()):
    """Write an image of which a card of the second HDU is another, with more cards at its end."""
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(stars())]).writeto(folder / "sound.fits")
    content = (folder / "sound.fits").read_bytes()
    begin = content.rindex(f"{name:8s}= ".encode())
    content = content[:begin] + card.encode().ljust(80) + content[begin + 80 :]
    end = content.rindex(b"END".ljust(80))
    added = b"".join(each.encode().ljust(80) for each in [*more, "END"])
    content = content[:end] + added + content[end + len(added) :]
    path = folder / ("image.fits.gz" if packed else "image.fits")
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


@pytest.mark.parametrize(
    ("card", "more", "said"),
    [
        ("GCOUNT  = -      1", (), "by which its data have -57600 bytes"),
        ("PCOUNT  = -20000", (), "by which its data have -22400 bytes"),
        ("NAXIS1  = -120", (), "by which its data have -57600 bytes"),
        ("PCOUNT  = 0", ("NAXIS1  = -120",), "by which its data have -57600 bytes"),
        ("PCOUNT  = 0", ("naxis1  = -120",), "by which its data have -57600 bytes"),
        ("pcount  = -20000", (), "by which its data have -22400 bytes"),
        ("PCOUNT  = 0", ("GCOUNT  = -300",), "by which its data have"),
        ("PCOUNT  = 0", ("NAXIS1  = 10000000000000000",), "by which it ends at byte"),
        ("PCOUNT  = 'none'", (), "says PCOUNT = 'none', which is no whole number"),
        ("PCOUNT  = 0.0", (), "says PCOUNT = 0.0, which is no whole number"),
        ("PCOUNT  =", (), "has no value of PCOUNT, which is no whole number"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_sizes_that_are_none_are_refused(tmp_path, card, more, said, packed):
    """astropy reads an HDU of a negative size over and over, without end."""
    path = changed(tmp_path, card[:8].strip().upper(), card, packed, more)
    with pytest.raises(ValueError, match="its header is damaged") as refused:
        open_image(path)
    assert f"{path}: HDU 1 " in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("card", "more"),
    [
        ("PCOUNT  = 0", ("PCOUNT  see the manual",)),
        ("PCOUNT  = 0", ("NAXIS3  = -1", "ZNAXIS  = 'none'", "TFIELDS = 'none'")),
        ("GCOUNT  = +1", ("GCOUNT  = 1 / -1",)),
        ("PCOUNT  = 99", ("PCOUNT  = 0",)),
    ],
)
def test_what_says_nothing_of_the_size_is_not_looked_at(tmp_path, card, more):
    path = changed(tmp_path, card[:8].strip(), card, more=more)
    image = open_image(path).image
    assert image.shape == (120, 120)
    for base in image.bases:
        base.doubts()


def test_a_primary_header_without_data_has_no_size(tmp_path):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(stars())]).writeto(tmp_path / "image.fits")
    content = (tmp_path / "image.fits").read_bytes()
    end = content.index(b"END".ljust(80))
    cards = b"GCOUNT  = 1.0".ljust(80) + b"PCOUNT  =".ljust(80) + b"END".ljust(80)
    (tmp_path / "image.fits").write_bytes(content[:end] + cards + content[end + len(cards) :])
    assert open_image(tmp_path / "image.fits").image.shape == (120, 120)


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_2"])
def test_the_files_that_were_changed_are_sound_before(tmp_path, kind):
    """Else the test above would hold for any reason."""
    fits.CompImageHDU(stars(), compression_type=kind).writeto(tmp_path / "sound.fits")
    content = (tmp_path / "sound.fits").read_bytes()
    (tmp_path / "sound.fits.gz").write_bytes(gzip.compress(content))
    for name in ("sound.fits", "sound.fits.gz"):
        image = open_image(tmp_path / name).image
        assert image.shape == (120, 120)
        assert np.isfinite(image.read(image.everything)).all()
