"""The site: `ci/site` builds it of the pages as they lie in the repository.

The source folder is the repository's root, so that links between pages are the same here and in a
checkout; `include_patterns` says which files are pages.
"""

import datetime
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import skyshed  # noqa: E402

project = "skyshed"
author = "the skyshed developers"
copyright = f"{datetime.date.today().year}, {author}"
version = release = skyshed.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "numpydoc",
]
root_doc = "docs/site/index"
include_patterns = [
    "docs/**.md",
    "docs/reference/*.rst",
    "benchmarks/README.md",
    "benchmarks/NOTES.md",
    "benchmarks/results/*.md",
    "tests/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
# The same list for readers of the repository.
exclude_patterns = ["docs/index.md"]

# Pages --------------------------------------------------------------------------------------------
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
# A page that is plotted is run when the site is built; one that raises ends the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_show_tb = True
nb_merge_streams = True

# Reference ----------------------------------------------------------------------------------------
autosummary_generate = True
templates_path = [str(HERE / "templates")]
# Types stand in the docstrings; those of the signatures are unions of many private names.
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
maximum_signature_line_length = 80
python_use_unqualified_type_names = True
# What stands between single backticks in docstrings.
default_role = "py:obj"
numpydoc_show_class_members = False
# Stored, since the build needs no network.
intersphinx_mapping = {
    "python": ("https://docs.python.org/3/", "inventories/python.inv"),
    "astropy": ("https://docs.astropy.org/en/stable/", "inventories/astropy.inv"),
    "scipy": ("https://docs.scipy.org/doc/scipy/", "inventories/scipy.inv"),
}
intersphinx_mapping = {
    name: (address, str(HERE / path)) for name, (address, path) in intersphinx_mapping.items()
}

# Looks --------------------------------------------------------------------------------------------
html_theme = "furo"
html_title = f"skyshed {release}"
html_show_sourcelink = False
html_copy_source = False
# The pages lie in docs/, as in the repository: the site's own address leads there.
html_extra_path = ["site/root"]
