"""The public reports that were tried on skyshed, and the tests that hold what is right.

``../shared/findings/real-files.md`` of the project has the numbers, the sources of the reports and
what went wrong with each; `tests.images.test_findings` holds this table true.
"""

__all__ = ["FINDINGS"]

IMAGES, EXTRACTION, PHOTOMETRY = "tests/images/", "tests/extraction/", "tests/images/photometry/"
REPORTS = f"{IMAGES}test_reports.py::"

#: The number of a report -> what it is about, and the tests that have the right value or refusal.
FINDINGS = {
    1: ("bzip2 is read as pixels", [
        f"{IMAGES}test_packed.py::test_a_packed_image_has_the_pixels_of_the_plain_one",
        f"{IMAGES}test_packed.py::test_the_plan_reads_a_packed_file_right",
    ]),
    2: ("xz and zip, as companions too", [
        f"{IMAGES}test_packed.py::test_packed_companions_are_those_of_the_plain_ones",
        f"{IMAGES}test_packed.py::test_a_packed_file_is_one_of_a_list",
    ]),
    3: (".Z names what unpacks it", [
        f"{IMAGES}test_packed.py::test_what_no_reader_unpacks_is_refused_with_what_does",
    ]),
    4: ("BLANK of unsigned integers", [
        f"{IMAGES}test_blanks.py::test_blank_pixels_of_unsigned_integers_are_no_source",
        f"{IMAGES}test_blanks.py::test_blank_pixels_are_nan_whole_and_by_windows",
    ]),
    5: ("BLANK of planes of bits and labels", [
        f"{IMAGES}test_blanks.py::test_blank_pixels_of_a_mask_are_masked_and_its_bits_count",
        f"{IMAGES}test_blanks.py::test_blank_pixels_of_a_map_of_labels_are_of_no_source",
    ]),
    6: ("ZBLANK alone", [
        f"{REPORTS}test_zblank_alone_is_a_blank_of_compressed_integers",
    ]),
    7: ("NaN in quantised tiles", [
        f"{REPORTS}test_nan_of_quantised_floats_stays_nan",
    ]),
    8: ("GZIP_2 mask planes", [
        f"{REPORTS}test_planes_of_bits_are_exact_in_every_compression",
    ]),
    9: ("asinh pixels", [
        f"{IMAGES}test_asinh.py::test_asinh_pixels_are_made_fluxes_whole_and_by_windows",
        f"{IMAGES}test_asinh.py::test_fluxes_are_those_of_the_linear_image",
    ]),
    10: ("ELECTRONS/S, Count", [
        f"{IMAGES}test_unit_texts.py::test_a_unit_is_the_one_that_is_meant",
    ]),
    11: ("JY/BEAM beside mJy/beam", [
        f"{IMAGES}test_unit_texts.py::test_an_rms_in_milli_is_converted_whatever_the_capitals",
        f"{IMAGES}test_unit_texts.py::"
        "test_noise_in_a_known_unit_is_not_taken_for_that_of_an_unknown_one",
    ]),
    12: ("DN/S is no siemens, N/A no newton", [
        f"{IMAGES}test_unit_texts.py::test_a_unit_is_the_one_that_is_meant",
        f"{IMAGES}test_unit_texts.py::test_what_says_that_there_is_none_is_none",
    ]),
    13: (".../spaxel", [
        f"{IMAGES}test_unit_texts.py::test_a_unit_is_the_one_that_is_meant",
    ]),
    14: ("sums of MJy/sr and Jy/beam", [
        f"{PHOTOMETRY}test_rules.py::test_surface_brightness_takes_the_pixel_area_of_the_card",
        f"{PHOTOMETRY}test_rules.py::test_the_sum_over_a_gaussian_beam_is_the_flux_of_the_source",
    ]),
    15: ("zero points of headers", [
        f"{PHOTOMETRY}test_rules.py::test_hubbles_zero_point_is_that_of_stsci",
        f"{EXTRACTION}test_from_header.py::test_a_card_gives_what_its_number_gives",
    ]),
    16: ("CROTA2 as text", [
        f"{IMAGES}test_wcs_cards.py::"
        "test_a_broken_header_gives_no_positions_and_a_warning_that_names_the_card",
    ]),
    17: ("decimal commas", [
        f"{IMAGES}test_wcs_cards.py::"
        "test_a_broken_header_gives_no_positions_and_a_warning_that_names_the_card",
    ]),
    18: ("no scale", [
        f"{IMAGES}test_wcs_cards.py::"
        "test_sources_of_a_broken_header_have_neither_positions_nor_names",
    ]),
    19: ("SIP left over in TAN", [
        f"{IMAGES}test_wcs_cards.py::test_a_distortion_counts_where_ctype_says_so",
        f"{IMAGES}test_wcs_cards.py::test_left_over_distortions_are_said_by_skyshed_alone",
    ]),
    20: ("ecliptic positions called ICRS", [
        f"{IMAGES}test_turned.py::test_the_example_of_the_report_is_where_astropy_has_it",
    ]),
    21: ("solar frames end the run", [
        f"{IMAGES}test_given_wcs.py::test_a_frame_that_astropy_cannot_name_ends_no_run",
    ]),
    22: ("a degenerate sky axis", [
        f"{IMAGES}test_wcs_cards.py::test_the_celestial_axes_are_those_of_the_image",
    ]),
    23: ("NAXIS of 3 with SIP", [
        f"{IMAGES}test_wcs_cards.py::test_a_plane_of_one_has_the_distortion_of_its_two_axes",
    ]),
    24: ("a longitude without a latitude", [
        f"{REPORTS}test_a_longitude_without_a_latitude_gives_no_positions",
    ]),
    25: ("INHERIT", [
        f"{IMAGES}test_inherited.py::test_a_wcs_and_a_unit_are_had_from_the_primary_header",
        f"{IMAGES}test_cards.py::test_inherit_f_closes_the_primary_header_for_numbers_and_not_for_"
        "what_a_file_is",
    ]),
    26: ("null planes of HST", [
        f"{IMAGES}test_null_planes.py::test_null_planes_are_error_and_mask",
    ]),
    27: ("the mask of CCD 1 on CCD 2", [
        f"{IMAGES}test_pairing.py::"
        "test_the_mask_of_another_ccd_is_not_taken_for_that_of_the_image",
        f"{IMAGES}test_pairing.py::test_a_companion_elsewhere_on_the_sky_is_refused",
    ]),
    28: ("all chips of a camera", [
        f"{IMAGES}test_pairing.py::test_one_of_several_images_is_not_taken_without_a_word",
        f"{EXTRACTION}test_hdus.py::test_each_ccd_has_its_own_background_mask_and_weight",
    ]),
    29: ("variances taken for noise", [
        f"{IMAGES}test_noise_planes.py::test_a_plane_that_its_name_says_is_another_is_refused",
        f"{IMAGES}test_noise_planes.py::test_variances_are_squares_of_noise",
    ]),
    30: ("bits by name", [
        f"{IMAGES}test_mask_bits.py::test_bits_by_name_reject_the_pixels_that_their_numbers_do",
        f"{IMAGES}test_mask_bits.py::test_an_unknown_name_lists_those_that_are_known",
    ]),
    31: ("rms of 1e30", [
        f"{IMAGES}test_noise_planes.py::test_a_hot_pixel_beside_a_star_is_not_measured",
        f"{IMAGES}test_noise_planes.py::"
        "test_a_pixel_without_weight_is_masked_however_that_is_written",
    ]),
    32: ("weights that are exposure times", [
        f"{IMAGES}test_noise_planes.py::"
        "test_noise_that_disagrees_with_that_measured_is_said_both_ways",
    ]),
    33: ("zero weights and tiles", [
        f"{REPORTS}test_weights_of_zero_at_an_edge_do_not_depend_on_the_boxes_around_them",
        f"{EXTRACTION}test_both_ways.py::test_weights_of_every_kind",
    ]),
    34: ("values under the mask", [
        f"{REPORTS}test_what_is_under_the_mask_leaks_into_nothing",
    ]),
    35: ("everything is masked", [
        f"{REPORTS}test_an_image_that_is_masked_as_a_whole_is_refused",
    ]),
    36: ("a background without noise", [
        "tests/chain/test_doubts.py::test_noise_of_zero_is_said_with_what_to_give_both_ways",
        "tests/chain/test_doubts.py::test_what_was_given_ends_the_warning",
    ]),
    37: ("padding of zeros", [
        f"{REPORTS}test_sky_of_zeros_around_a_footprint_is_said_to_be_unexposed",
    ]),
    38: ("borders of NaN", [
        f"{REPORTS}test_a_border_of_nan_leaves_a_background_everywhere",
    ]),
    39: ("negative errors of magnitudes", [
        f"{REPORTS}test_errors_of_magnitudes_are_not_negative",
    ]),
    40: ("NaN positions of garbage", [
        f"{REPORTS}test_garbage_is_measured_to_the_end",
    ]),
    41: ("no source, one source", [
        f"{REPORTS}test_no_source_and_one_are_tables_with_the_same_columns",
    ]),
    42: ("units of the error", [
        f"{IMAGES}test_exposure.py::test_companions_come_to_the_unit_of_the_image",
        f"{IMAGES}test_noise_planes.py::"
        "test_a_square_of_the_unit_of_the_image_is_no_weight_and_no_noise",
    ]),
    43: ("names that are not unique", [
        "tests/chain/test_designation.py::test_neighbours_have_names_of_their_own",
        "tests/chain/test_positions.py::test_names_of_pairs_differ_at_any_pixel_scale",
    ]),
    44: ("rounded names, the sign of -0", [
        f"{EXTRACTION}test_extract.py::"
        "test_names_are_truncated_and_exact_on_the_edge_of_a_digit",
    ]),
    45: ("the mask of Masked", [
        f"{IMAGES}test_objects.py::test_masks_come_with_their_image",
    ]),
    46: ("file objects and bytes", [
        f"{IMAGES}test_given_images.py::"
        "test_open_files_and_bytes_are_refused_with_what_to_give",
    ]),
    47: ("('SCI', 2) names an HDU", [
        f"{IMAGES}test_given_images.py::test_a_name_and_a_version_may_be_a_tuple",
    ]),
    48: ("the image of .fits.fz is HDU 1", [
        f"{IMAGES}test_fits.py::test_gzipped_and_tile_compressed_images_are_read",
    ]),
    49: ("ASDF", [
        f"{IMAGES}test_asdf.py::test_every_plane_has_its_pixels",
        f"{IMAGES}test_asdf.py::test_the_command_reads_it",
    ]),
    50: ("planes of cubes", [
        f"{IMAGES}test_cube_planes.py::test_a_plane_is_extracted_at_once_by_tiles_and_recorded",
        f"{IMAGES}test_cube_planes.py::test_a_cube_without_a_plane_is_refused_with_those_it_has",
    ]),
    51: ("formats: an unknown one is refused with those there are", [
        "tests/output/test_write.py::test_unknown_formats_and_missing_packages_are_said",
    ]),
    52: (".head of SCAMP", [
        f"{IMAGES}test_wcs_files.py::test_a_header_of_scamp_gives_the_positions",
    ]),
    53: ("mask and weight of the detection image", [
        f"{EXTRACTION}test_given_detection.py::"
        "test_sources_are_those_of_the_detection_image_with_its_noise_and_mask",
        f"{EXTRACTION}test_given_detection.py::"
        "test_the_command_and_lists_of_images_have_them",
    ]),
    54: ("labels in floats, and of 64 bits", [
        f"{IMAGES}test_whole_numbers.py::test_what_can_be_no_label_is_refused_and_shown",
        f"{IMAGES}test_renumbered.py::"
        "test_the_command_line_measures_them_and_says_how_where_it_does_not",
    ]),
    55: ("truncated files", [
        f"{IMAGES}test_packed.py::test_a_file_that_is_cut_off_is_said_to_be",
        f"{IMAGES}test_fits.py::test_damaged_files_are_refused_with_their_name",
        f"{IMAGES}test_soundness.py::"
        "test_sizes_are_told_and_the_sound_part_of_a_file_is_read",
    ]),
    56: ("the input of Background2D", [
        "tests/background/test_background_2d.py::"
        "test_inputs_are_not_modified_and_results_are_the_callers_own",
    ]),
    57: ("mask and coverage mask, NaN under the mask", [
        "tests/background/test_background_2d.py::test_pixels_without_coverage_have_the_fill_value",
        "tests/background/test_background_2d.py::"
        "test_values_that_are_not_finite_warn_where_not_masked",
    ]),
    58: ("kernels of sum 0, NaN", [
        "tests/test_convolution.py::test_any_image_with_any_options_is_as_astropy_has_it",
        "tests/test_convolution.py::"
        "test_kernels_that_sum_to_zero_are_applied_only_where_nothing_divides_by_the_sum",
    ]),
    59: ("inputs that are changed, masks of booleans", [
        f"{EXTRACTION}test_extract.py::test_inputs_are_not_modified",
        "tests/catalog/test_kron.py::test_fluxes_and_radii_are_those_of_photutils_3_0",
    ]),
    60: ("odd third axes of radio images", [
        f"{REPORTS}test_a_radio_image_of_four_axes_has_positions_whatever_the_third_is_called",
    ]),
    61: ("TPV, TAN with PV, SIP", [
        f"{IMAGES}test_tpv.py::test_positions_are_those_of_the_definition",
        f"{IMAGES}test_tpv_terms.py::test_positions_are_those_of_the_convention",
    ]),
    62: ("a pawprint in ZPN", [
        f"{REPORTS}test_a_pawprint_in_zpn_has_the_positions_of_wcslib",
    ]),
    63: ("look-up distortions of the map", [
        "tests/output/test_wcs_hdus.py::test_a_map_is_where_the_image_is_and_is_taken_for_it",
    ]),
    64: ("scalings and units that are no such", [
        f"{IMAGES}test_given_images.py::test_scalings_that_are_text_are_refused_by_name",
        f"{REPORTS}test_a_bunit_that_is_no_text_is_no_unit",
    ]),
    65: ("structures and odd paths", [
        f"{REPORTS}test_structures_of_observatories_have_their_pixels_unit_and_positions",
        f"{REPORTS}test_a_path_may_have_any_characters",
        f"{IMAGES}profiles/test_families.py::"
        "test_a_file_of_each_product_goes_to_a_calibrated_table",
    ]),
}  # fmt: skip
