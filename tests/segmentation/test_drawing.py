"""Colours and pictures of labels."""

import matplotlib as mpl
import numpy as np
import pytest
from astropy.utils.exceptions import AstropyUserWarning
from photutils.segmentation import SegmentationImage as Peer

from skyshed import SegmentationImage
from skyshed.segmentation.colormap import make_random_cmap

mpl.use("Agg")


@pytest.fixture
def ax():
    """Axes of a figure that is closed again."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_every_label_has_a_muted_colour_on_black(labels):
    segm = SegmentationImage(labels)
    assert len(segm.cmap.colors) == segm.max_label + 1
    np.testing.assert_array_equal(segm.cmap.colors[0], [0, 0, 0, 1])
    hsv = mpl.colors.rgb_to_hsv(np.asarray(segm.cmap.colors)[1:, :3])
    assert hsv[:, 1].min() >= 0.2 - 1e-12
    assert hsv[:, 1].max() <= 0.7 + 1e-12
    assert hsv[:, 2].min() >= 0.5


def test_a_seed_gives_the_same_colours_again(labels):
    segm = SegmentationImage(labels)
    np.testing.assert_array_equal(segm.make_cmap(seed=3).colors, segm.make_cmap(seed=3).colors)
    assert not np.array_equal(segm.make_cmap(seed=4).colors, segm.make_cmap(seed=3).colors)
    assert not np.array_equal(segm.make_cmap().colors, segm.make_cmap().colors)
    first = segm.cmap
    segm.reset_cmap(seed=9)
    np.testing.assert_array_equal(segm.cmap.colors, segm.make_cmap(seed=9).colors)
    assert not np.array_equal(segm.cmap.colors, first.colors)


def test_the_background_colour_is_the_callers():
    segm = SegmentationImage(np.array([[0, 2]]))
    np.testing.assert_array_equal(segm.make_cmap("red").colors[0], [1, 0, 0, 1])
    random = segm.make_cmap(background_color=None, seed=1)
    np.testing.assert_array_equal(random.colors, make_random_cmap(3, seed=1).colors)


def test_imshow_gives_each_label_its_colour(labels, ax):
    segm, peer = SegmentationImage(labels), Peer(labels)
    image, expected = segm.imshow(ax=ax, alpha=0.5), peer.imshow(ax=ax)
    assert image.get_clim() == expected.get_clim()
    assert image.cmap is segm.cmap
    assert image.get_alpha() == 0.5
    assert (image.origin, image.get_interpolation()) == ("lower", "nearest")
    np.testing.assert_array_equal(image.get_array(), labels)
    assert segm.imshow(ax=ax, cmap="gray").cmap.name == "gray"


def test_imshow_makes_axes_of_the_size_asked_for(labels):
    import matplotlib.pyplot as plt

    figure = SegmentationImage(labels).imshow(figsize=(2, 3), dpi=50).figure
    assert figure.get_size_inches().tolist() == [2, 3]
    assert figure.dpi == 50
    plt.close(figure)


def test_matplotlib_shows_it_as_an_array(labels, ax):
    segm = SegmentationImage(labels)
    image = ax.imshow(segm, origin="lower", cmap=segm.cmap, interpolation="nearest")
    np.testing.assert_array_equal(image.get_array(), labels)


def test_imshow_map_numbers_the_labels_and_names_them(ax):
    data = np.array([[5000, 0], [2**20, 7]])
    segm, peer = SegmentationImage(data), Peer(data)
    image, (colorbar, ticks, named) = segm.imshow_map(ax=ax, cbar_labelsize=4)
    expected, (_, peer_ticks, peer_named) = peer.imshow_map(ax=ax)
    np.testing.assert_array_equal(image.get_array(), expected.get_array())
    np.testing.assert_array_equal(ticks, peer_ticks)
    np.testing.assert_array_equal(named, peer_named)
    assert image.get_clim() == expected.get_clim()
    assert [text.get_text() for text in colorbar.ax.get_yticklabels()] == [str(v) for v in named]
    np.testing.assert_array_equal(image.cmap.colors, np.asarray(segm.cmap.colors)[named])
    assert segm.imshow_map(ax=ax, cmap="gray")[0].cmap.name == "gray"


def test_imshow_map_names_the_background_only_where_there_is_some(ax):
    segm = SegmentationImage(np.array([[5000, 7], [2**20, 7]]))
    image, (_, ticks, named) = segm.imshow_map(ax=ax)
    np.testing.assert_array_equal(named, [7, 5000, 2**20])
    np.testing.assert_array_equal(ticks, [0, 1, 2])
    np.testing.assert_array_equal(image.get_array(), [[1, 0], [2, 0]])


def test_imshow_map_without_labels_or_with_many_has_no_colorbar(labels, ax):
    image, colorbar = SegmentationImage(np.zeros((3, 3), int)).imshow_map(ax=ax)
    assert colorbar is None
    assert not image.get_array().any()
    with pytest.warns(
        AstropyUserWarning, match=r"colorbar was not plotted: .*more than max_labels=3"
    ):
        _, colorbar = SegmentationImage(labels).imshow_map(ax=ax, max_labels=3)
    assert colorbar is None
