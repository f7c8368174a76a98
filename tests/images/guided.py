"""Coverage-guided fuzzing of the readers of images (atheris, which is libFuzzer for Python).

    pip install atheris
    python -m tests.images.guided FOLDER -max_total_time=3600

What was found to lead somewhere new is kept in the folder; `tests/images/test_guided.py` reads a
part of it, which `python -m tests.images.guided --keep FOLDER` chooses. An input that is neither
read nor refused in one line is written to ``crash-...``, or ``timeout-...``.
"""

import sys
import tempfile
import warnings
from pathlib import Path

from tests.corpus import keep

__all__ = ["KEPT", "name_of", "read_or_refuse"]

#: The part of the corpus that the tests read, and its largest file.
KEPT, LARGEST = Path(__file__).with_name("guided_corpus.zip"), 6000
#: What the first bytes of an input say it is: their names differ.
ENDINGS = {b"\x1f\x8b": ".fits.gz", b"BZh": ".fits.bz2", b"#ASDF": ".asdf"}


def name_of(content: bytes) -> str:
    """Return a name for a file of this content."""
    return "image" + next((end for at, end in ENDINGS.items() if content.startswith(at)), ".fits")


def read_or_refuse(path: Path) -> str:
    """Read the image of a file.

    Returns
    -------
    came : {"read", "refused"}
        The latter where an error named the file in one line. Any other error is raised.
    """
    from skyshed.images import Window, open_image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = open_image(path).image
            ny, nx = (min(side, 300) for side in image.shape)
            image.read(Window(0, ny, 0, nx))
    except (OSError, ValueError, TypeError) as error:
        if str(path) not in str(error) or "\n" in str(error):
            raise
        return "refused"
    return "read"


def main() -> int:
    """Let libFuzzer change files; see its options."""
    if sys.argv[1:2] == ["--keep"]:
        keep(Path(sys.argv[2]), KEPT, LARGEST)
        return 0
    import atheris

    # What counts as covered are the modules that are imported here for the first time.
    with atheris.instrument_imports(include=["skyshed", "astropy.io.fits"]):
        from tests.images.fuzz import CORPUS

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in CORPUS.items():
        (folder / f"seed-{name}").write_bytes(content)
    with tempfile.TemporaryDirectory() as scratch:

        def attempt(content: bytes) -> None:
            path = Path(scratch) / name_of(content)
            path.write_bytes(content)
            read_or_refuse(path)

        atheris.Setup(sys.argv, attempt)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
