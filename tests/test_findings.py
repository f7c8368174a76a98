"""Every finding of the attack on robustness has the test that keeps it mended.

The numbers are those of the list of findings; what is open says why.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
#: Number -> files and tests. All tests of a file are meant where none is named.
MENDED = {
    1: ["images/test_claims.py",
        "images/test_soundness.py::test_a_header_that_claims_what_no_file_holds_is_refused_at_once",
        "extraction/test_plan.py::test_more_tiles_than_a_run_can_list_are_refused"],
    2: ["mosaic/test_failures.py::test_results_that_find_no_room_leave_what_was_there_and_are_"
        "written_later"],
    3: ["output/test_results.py::test_results_are_all_new_or_all_old"],
    4: ["mosaic/test_engine.py::test_a_worker_killed_between_or_late_in_phases_changes_nothing"],
    5: ["mosaic/test_engine.py::test_what_is_no_address_is_refused_at_once",
        "mosaic/test_engine.py::test_a_scheduler_that_never_answers_is_not_waited_for"],
    6: ["images/test_checksums.py::test_a_flipped_bit_of_a_packed_file_never_gives_other_pixels",
        "images/test_soundness.py::test_data_that_changed_are_named_once_whatever_they_are_for"],
    7: ["images/test_foreign_tiles.py"],
    8: ["output/test_damaged_catalogs.py::test_a_damaged_catalog_is_named",
        "mosaic/test_damage.py::test_damage_gives_the_undisturbed_result_or_a_line_with_the_file"],
    9: ["test_objects.py::test_objects_are_the_same_when_they_come_back"],
    10: ["test_wrong_arguments.py"],
    11: ["cli/test_streams.py"],
    12: ["three_way/test_three_way.py::test_there_is_no_difference_that_is_not_known",
         "device/test_three_way.py"],
    13: ["test_effort.py", "background/test_interpolation.py"],
    14: ["extraction/test_process_memory.py", "chain/test_many_sources.py"],
    15: ["extraction/test_plan.py::test_a_refused_budget_makes_no_workspace_and_leaves_nothing"],
    16: ["mosaic/test_small_images.py::test_small_images_give_the_same_either_way"],
    17: ["mosaic/test_workspace.py::test_another_wcs_is_noticed_whatever_it_comes_with",
         "mosaic/test_workspace.py::test_a_single_pixel_of_an_array_is_noticed"],
    18: ["segmentation/test_editing.py::test_an_edit_of_data_that_changed_in_place_reads_nothing_"
         "else"],
    19: ["mosaic/test_damage.py::test_maps_keep_the_temporary_workspace_that_they_are_in",
         "mosaic/test_damage.py::test_a_chunk_that_is_gone_is_no_empty_part_of_the_map"],
    20: ["output/test_results.py::test_no_result_takes_the_place_of_an_input"],
    21: ["output/test_results.py::test_a_workspace_that_was_asked_for_is_kept",
         "output/test_results.py::test_what_no_run_wrote_is_not_replaced"],
    22: ["output/test_atomic.py::test_a_process_that_is_killed_mixes_no_sets"],
    23: ["mosaic/test_engine.py::test_a_worker_killed_between_or_late_in_phases_changes_nothing"],
    24: ["mosaic/test_small_images.py::test_an_empty_field_by_tiles_is_an_empty_table"],
    25: ["output/test_sealed.py::test_an_error_while_writing_is_an_error"],
    26: ["images/test_fits.py::test_files_are_not_read_through_maps_of_memory"],
    28: ["output/test_atomic.py::test_what_lies_in_wait_is_not_written_through"],
    29: ["kernels/test_signals.py",
         "kernels/test_deblending.py::test_a_signal_ends_the_kernel_within_half_a_second",
         "kernels/test_boxes.py::test_a_signal_ends_the_measuring_of_a_giant_box_within_half_a_"
         "second"],
    30: ["mosaic/test_control_groups.py",
         "images/test_open.py::test_what_is_no_file_is_refused_at_the_door",
         "output/test_preview.py::test_any_name_of_an_input_can_be_drawn"],
}  # fmt: skip
OPEN = {
    27: "there is no cache of compiled kernels any more: they ship with the package",
}


def test_every_finding_is_listed_once():
    assert sorted([*MENDED, *OPEN]) == list(range(1, 31))


@pytest.mark.parametrize("number", MENDED)
def test_the_tests_of_a_finding_are_there(number):
    for each in MENDED[number]:
        file, _, name = each.partition("::")
        tree = ast.parse((TESTS / file).read_text())
        tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in tests if name else any(test.startswith("test_") for test in tests), each


def test_the_page_says_what_is_open():
    page = " ".join((TESTS.parent / "docs" / "reliability.md").read_text().split())
    for what in ("one source in 100 pixels", "RICE_1 that is a whole image"):
        assert what in page
