"""The faults of the person feeds: what each is, what must become of it, and how often it is.

The rates are chances for one row (or for one file, or one full): `real` is what registers look
like. Numbers in brackets: the catalogue of dirt in the domain notes.
"""

from __future__ import annotations

from collections.abc import Mapping

# kind → (what it is, what must become of it)
PERSON_KINDS: Mapping[str, tuple[str, str]] = {
    # a row
    "id_full_width": ("digits of the number in full width (1)", "read"),
    "id_15": ("the 15 digits of before 1999 (2)", "read"),
    "id_check": ("a number with a wrong check digit (3)", "nulled"),
    "id_excel": ("a number whose last three digits a spreadsheet lost (4)", "nulled"),
    "id_swapped": ("two neighbouring digits exchanged", "nulled"),
    "id_missing": ("无 or nothing in place of the number (13)", "nulled"),
    "name_padded": ("blanks of several kinds round a name (5)", "read"),
    "name_spaced": ("a blank between the characters of a name (5)", "read"),
    "name_dot": ("another dot in a name (23)", "read"),
    "name_lost": ("? for a character that an export did not know (22)", "nulled"),
    "date_form": ("a birth date in another form (6)", "read"),
    "date_serial": ("a birth date as a spreadsheet's number (6)", "nulled"),
    "date_future": ("a birth date in the future (25)", "flagged"),
    "code_as_name": ("a word in place of a code (11)", "read"),
    "county_as_name": ("the county's name, former name or former code (11)", "read"),
    "division_former": ("the code of the village before its town merged (11)", "read"),
    "zero_lost": ("a code without its leading zero (21)", "read"),
    "nothing_sign": ("— or / in place of a telephone (13)", "nulled"),
    "two_phones": ("two telephones in one cell (18)", "nulled"),
    "repeated_row": ("the same row twice (7)", "superseded"),
    "test_row": ("a row of a test (24)", "flagged"),
    "shifted_row": ("one cell too many: the rest moved (16)", "quarantined"),
    "total_row": ("a subtotal between the rows (14)", "skipped"),
    "thousands": ("1,234 as an amount (13)", "read"),
    # a conflict between sources
    "name_other": ("another source writes another name under the number", "ticket"),
    "birth_other": ("another source has another birth date under the number", "ticket"),
    "sex_other": ("the sex is not that of the number", "ticket"),
    # a file
    "encoding_other": ("the encoding changed (28)", "read"),
    "header_renamed": ("headers with other words (17)", "read"),
    "columns_moved": ("columns in another order (17)", "read"),
    "late_file": ("a delta comes a night late, after its successor (9)", "read"),
    "resent_file": ("the same bytes again under another name (30)", "known"),
    "county_missing": ("a monthly full without one county (29)", "held"),
    # a full
    "row_missing": ("a full lacks a person who is still registered (10)", "read"),
    "late_correction": ("a wrong address, put right the night after (8)", "replaced"),
}
_LIGHT = {"id_full_width": 0.002, "id_15": 0.003, "name_padded": 0.005, "repeated_row": 0.001}
_REAL = {
    "id_full_width": 0.003, "id_15": 0.008, "id_check": 0.004, "id_excel": 0.002,
    "id_swapped": 0.002, "id_missing": 0.004, "name_padded": 0.01, "name_spaced": 0.006,
    "name_dot": 0.5, "name_lost": 0.3, "date_form": 0.02, "date_serial": 0.003,
    "date_future": 0.0003, "code_as_name": 0.01, "county_as_name": 0.01,
    "division_former": 0.1, "zero_lost": 0.01,
    "nothing_sign": 0.005, "two_phones": 0.003, "repeated_row": 0.003, "test_row": 0.0002,
    "shifted_row": 0.0005, "total_row": 0.02, "thousands": 0.02, "name_other": 0.002,
    "birth_other": 0.0015, "sex_other": 0.0005, "encoding_other": 0.1, "header_renamed": 0.1,
    "columns_moved": 0.1, "late_file": 0.05, "resent_file": 0.05, "county_missing": 0.02,
    "row_missing": 0.0003, "late_correction": 0.0005,
}  # fmt: skip
PERSON_PROFILES: Mapping[str, Mapping[str, float]] = {
    "none": {},
    "light": _LIGHT,
    "real": _REAL,
    "heavy": {k: min(0.5, v * 4) for k, v in _REAL.items()},
}
