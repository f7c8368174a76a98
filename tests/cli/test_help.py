"""The examples of each command's help run; shells complete; parameters are written to edit."""

import shlex
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from skyshed import Parameters
from skyshed.cli import COMMANDS, extract, main, make_parser
from skyshed.output.formats import FORMATS
from tests.pipeline_field import make_field, make_wcs

EXAMPLES = [
    pytest.param(line, id=f"{command.__name__.rpartition('.')[2]}: {about}")
    for command in COMMANDS
    for about, line in command.EXAMPLES
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that has the files of the examples."""
    header = make_wcs().to_header()
    for name in ("image", "g", "r"):
        fits.PrimaryHDU(make_field(), header).writeto(tmp_path / f"{name}.fits")
    mask = np.zeros(make_field().shape, np.uint8)
    mask[:9] = 1
    fits.PrimaryHDU(mask).writeto(tmp_path / "mask.fits")
    fits.PrimaryHDU(np.ones(mask.shape)).writeto(tmp_path / "weight.fits")
    (tmp_path / "night.txt").write_text("g.fits\nr.fits\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_of_the_help_run(folder, line, capsys):
    if "completion" in line:
        pytest.importorskip("shtab")
        line = "skyshed completion bash" if "bash" in line else "skyshed completion zsh"
    if " survey " in line:
        pytest.importorskip("cdshealpix")
    if " view " in line:
        assert main(["extract", "image.fits", "--out", "results", "--no-preview", "-q"]) == 0
    words = shlex.split(line)
    assert words.pop(0) == "skyshed"
    if "*.fits" in words:  # as a shell does; companions are no images
        at = words.index("*.fits")
        words[at : at + 1] = ["g.fits", "r.fits"]
    assert main(words) == 0
    assert "error" not in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_its_examples_as_they_are_typed(command, capsys):
    assert main([command.__name__.rpartition(".")[2], "--help"]) == 0
    shown = capsys.readouterr().out
    for about, line in command.EXAMPLES:
        assert f"  # {about}\n  {line}\n" in shown


def test_the_parameters_that_are_written_are_the_defaults(folder, capsys):
    assert main(["init"]) == 0
    assert Parameters.from_toml("skyshed.toml") == Parameters()
    text = (folder / "skyshed.toml").read_text()
    assert text.count("\n#") > len(Parameters().to_dict())  # each is explained
    assert main(["init"]) == 2
    assert "skyshed.toml exists" in capsys.readouterr().err
    edited = text.replace("nsigma = 1.5", "nsigma = 7.0")
    (folder / "skyshed.toml").write_text(edited)
    options = ["--parameters", "skyshed.toml", "--out", "o", "--no-preview", "-q"]
    assert main(["extract", "image.fits", *options]) == 0
    assert Parameters.from_toml("o/parameters.toml") == Parameters(nsigma=7.0)
    assert main(["init", "--overwrite"]) == 0
    assert (folder / "skyshed.toml").read_text() == text
    capsys.readouterr()
    assert main(["init", "-"]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_shells_complete_commands_and_options(shell, capsys):
    pytest.importorskip("shtab")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("extract", "completion", "--nsigma", "votable"):
        assert word.lstrip("-") in script


def test_every_file_and_folder_of_an_option_is_completed(capsys):
    pytest.importorskip("shtab")
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    for option in ("sextractor", "kernel", "detection_background", "background", "config", "out"):
        assert f"_shtab_skyshed_extract___{option}_COMPGEN=_shtab_compgen_" in script
    for option in ("psf", "weight"):
        assert f"_shtab_skyshed_bands___{option}_COMPGEN=_shtab_compgen_files" in script
    assert "_shtab_skyshed_view_pos_0_COMPGEN=_shtab_compgen_dirs" in script


def test_bash_completes(capsys):
    pytest.importorskip("shtab")
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    ask = (
        "COMP_WORDS=(skyshed extract --maxnone --nsi); COMP_CWORD=3; COMP_LINE='x'; "
        "_shtab_skyshed 2>/dev/null; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "--nsigma"


def test_the_formats_of_the_option_are_all_that_there_are():
    assert tuple(extract.FORMATS) == tuple(FORMATS)


def test_help_imports_nothing_that_computes():
    code = (
        "import sys\nfrom skyshed.cli import main\nmain(['extract', '--help'])\n"
        "print([name for name in ('numpy', 'astropy', 'shtab') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    make_parser()
