"""The settings of a catalog."""

import dataclasses

import pytest

from skyshed import SourceCatalog
from skyshed.catalog import CatalogSettings


def test_settings_are_checked_and_frozen():
    settings = CatalogSettings(kron_params=[2.0, 1.0], localbkg_width=5.0)
    assert settings.kron_params == (2.0, 1.0)
    assert settings.localbkg_width == 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.localbkg_width = 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"localbkg_width": -1}, "local_bkg_width must be >= 0, got -1"),
        ({"apermask_method": "blank"}, "must be 'correct', 'mask' or 'none'"),
        ({"kron_params": (1, 0)}, r"kron_params\[1\] must be > 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        CatalogSettings(**settings)


def test_a_catalog_tells_its_settings(make_case):
    catalog = make_case("full", localbkg_width=7, kron_params=(2.0, 1.2))
    assert catalog.settings == CatalogSettings(catalog.wcs, (2.0, 1.2), 7, catalog.apermask_method)


def test_settings_of_apertures_are_those_of_the_detection(make_case):
    detection = make_case("full", kron_params=(2.0, 1.2), localbkg_width=7)
    catalog = SourceCatalog.from_frame(
        detection.frame, detection.sources, CatalogSettings(localbkg_width=9),
        detection_cat=detection,
    )  # fmt: skip
    assert catalog.settings == CatalogSettings(detection.wcs, (2.0, 1.2), 9, "correct")
