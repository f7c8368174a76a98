"""The device's kernels agree with the CPU's on small images of every kind; see tests/three_way."""

from tests.three_way.run import run


def test_small_images_of_every_kind_have_the_answers_of_the_host():
    tally = run(12, 4, others=("device",))
    assert tally.unknown == [], f"\n{tally}"
