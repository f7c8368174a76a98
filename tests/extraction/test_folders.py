"""Folders of several images: named after their files, and each different."""

from hypothesis import given
from hypothesis import strategies as st

from skyshed.extraction.folders import folder_names

NAMES = st.lists(
    st.builds(
        lambda folder, stem, ending, hdu: f"{folder}{stem}{ending}{hdu}",
        st.sampled_from(["", "one/", "two/", "/"]),
        st.sampled_from(["a", "A", "a-2", "a-3", ".", "b c", "é", "report"]),
        st.sampled_from(["", ".fits", ".fits.gz", ".FIT", ".zarr"]),
        st.sampled_from(["", "[SCI]", "[SCI,2]", "[0]"]),
    ),
    max_size=12,
)


@given(NAMES)
def test_every_folder_is_another(names):
    folders = folder_names(names)
    assert len({folder.casefold() for folder in folders}) == len(names)
    for folder in folders:
        assert folder.strip(".")
        assert not set(folder) & set("/[], ")
    assert folder_names(names) == folders


def test_a_file_keeps_its_name_where_a_number_would_take_it():
    assert folder_names(["x/a.fits", "y/a.fits", "a-2.fits"]) == ["a", "a-3", "a-2"]
