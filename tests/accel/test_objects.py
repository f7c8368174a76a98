"""Catalogs look as photutils', and have what photutils' have."""

import warnings

import numpy as np
import photutils.segmentation
import pytest

import skyshed

#: In a dictionary, since names of this module are replaced as those of any other.
THEIRS = {
    name: getattr(photutils.segmentation, name) for name in ("SourceCatalog", "SegmentationImage")
}


@pytest.fixture
def both(installed, field):
    """A catalog of each library."""
    segments = photutils.segmentation.detect_sources(field, 5.0, 5)
    ours = photutils.segmentation.SourceCatalog(field, segments, error=np.ones_like(field))
    theirs = THEIRS["SourceCatalog"](
        field, THEIRS["SegmentationImage"](segments.data), error=np.ones_like(field)
    )
    assert isinstance(ours, skyshed.SourceCatalog)
    assert len(ours) > 8
    return ours, theirs


def test_tables_have_photutils_default_columns_and_values(both):
    ours, theirs = both
    table, expected = ours.to_table(), theirs.to_table()
    assert table.colnames == expected.colnames
    assert ours.default_columns == theirs.default_columns
    assert set(expected.meta) <= set(table.meta)
    for name in ("label", "x_centroid", "segment_flux", "segment_flux_err", "area"):
        np.testing.assert_allclose(table[name], expected[name], rtol=1e-9)


def test_whatever_name_is_asked_for_the_column_has_photutils_3s(both):
    ours, theirs = both
    asked = ["label", "xcentroid", "segment_fluxerr", "semimajor_sigma"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ours.to_table(columns=asked).colnames == theirs.to_table(columns=asked).colnames
        assert ours.to_table("xcentroid").colnames == ["x_centroid"]
        table = ours.to_table(columns=asked)
    np.testing.assert_array_equal(table["xcentroid"], ours.x_centroid)
    ours.circular_photometry(3.0, name="circ")
    ours.default_columns.append("circ_flux_err")
    assert ours.to_table().colnames[-1] == "circ_flux_err"


def test_parts_of_a_catalog_are_as_the_whole(both):
    ours, theirs = both
    for part in (ours[2:5], ours[[4, 1]], ours.get_labels(ours.labels[:2]), ours.copy()):
        assert type(part) is type(ours)
        assert part.to_table().colnames == theirs.default_columns
    assert ours[3].to_table()["label"] == theirs[3].label


def test_what_only_photutils_has_comes_from_photutils(both, installed):
    ours, theirs = both
    np.testing.assert_array_equal(ours._all_masked, theirs._all_masked)
    np.testing.assert_array_equal(ours[[4, 1]]._all_masked, theirs[[4, 1]]._all_masked)
    assert installed.calls["SourceCatalog._all_masked"].photutils == 2
    (reason,) = installed.calls["SourceCatalog._all_masked"].reasons
    assert reason == "skyshed's has no attribute '_all_masked'"
    assert ours._segmentation_image is not None
    with pytest.raises(AttributeError, match="'SourceCatalog' object has no attribute 'nothing'"):
        ours.nothing  # noqa: B018


def test_a_column_that_only_photutils_has_makes_the_table_photutils(both, installed, monkeypatch):
    ours, theirs = both
    kind, real = THEIRS["SourceCatalog"], THEIRS["SourceCatalog"].to_table

    def to_table(self, columns):
        table = real(self, columns=columns[:1])
        table["new_column"] = self.new_column
        return table

    new = property(lambda self: self.area.value)
    monkeypatch.setattr(kind, "new_column", new, raising=False)
    monkeypatch.setattr(kind, "to_table", to_table)
    table = ours.to_table(columns=["label", "new_column"])
    np.testing.assert_array_equal(table["new_column"], theirs.area.value)
    (reason,) = installed.calls["SourceCatalog.to_table"].reasons
    assert reason == "skyshed has no columns ['new_column']"
    np.testing.assert_array_equal(ours.new_column, theirs.area.value)
    with pytest.raises(ValueError, match="Invalid column name"):
        ours.to_table(columns=["label", "nothing"])


@pytest.mark.usefixtures("installed")
def test_printed_objects_do_not_show_how_they_were_made(field):
    finder = photutils.segmentation.SourceFinder(5)
    assert "given" not in repr(finder)
    assert repr(finder).startswith("SourceFinder(npixels=array([5, 5])")
    local = photutils.background.LocalBackground(5, 9)
    assert repr(local) == repr(skyshed.LocalBackground(5, 9))
    background = photutils.background.Background2D(field, 50)
    assert "given" not in str(background)
    assert "SourceCatalog" in repr(
        photutils.segmentation.SourceCatalog(
            field, photutils.segmentation.detect_sources(field, 5.0, 5)
        )
    )


@pytest.mark.usefixtures("installed")
def test_other_objects_have_photutils_attributes_too(field, installed):
    background = photutils.background.Background2D(field, 50)
    assert background.background.shape == background.background_rms.shape == field.shape
    private = [n for n in dir(background.given.kind) if n.startswith("_") and n[1] != "_"]
    name = next(name for name in private if name not in dir(background))
    getattr(background, name)
    assert installed.calls[f"Background2D.{name}"].photutils == 1
