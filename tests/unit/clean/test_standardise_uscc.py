"""Credit codes and plates against definitions written here anew. All codes are made up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.clean.both_engines import answers

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z


def checked(first: str) -> str:
    """17 characters and the check character: Σ value × 3^place + check ≡ 0 (mod 31)."""
    total = sum(ALPHABET.index(c) * 3**i for i, c in enumerate(first))
    check = next(v for v in range(31) if (total + v) % 31 == 0)
    return first + ALPHABET[check]


PAIRS = st.sampled_from(["11", "12", "51", "52", "91", "92", "93", "N2", "A1", "Y1", "55"])
BODIES = st.text(ALPHABET, min_size=9, max_size=9)
CODES = st.builds(lambda p, b: checked(f"{p}141124{b}"), PAIRS, BODIES)


@given(st.lists(CODES, min_size=1, max_size=40))
@settings(max_examples=20, deadline=None)
def test_every_code_with_its_check_character_is_accepted_whoever_registered_it(
    codes: list[str],
) -> None:
    for code, answer in zip(codes, answers("uscc", codes), strict=True):
        assert answer[:2] == (code, "OK")


@given(CODES, st.integers(0, 17), st.sampled_from(ALPHABET))
@settings(max_examples=60, deadline=None)
def test_no_single_wrong_character_passes(code: str, place: int, other: str) -> None:
    if code[place] == other:
        return
    wrong = code[:place] + other + code[place + 1 :]
    assert answers("uscc", [wrong])[0][1] in ("CHK", "FMT")


@given(CODES, st.sampled_from("IOSVZ"), st.integers(8, 16))
@settings(max_examples=20, deadline=None)
def test_letters_that_look_like_digits_are_no_part_of_a_code(
    code: str, letter: str, place: int
) -> None:
    assert answers("uscc", [code[:place] + letter + code[place + 1 :]])[0][1] == "FMT"


@given(CODES)
@settings(max_examples=20, deadline=None)
def test_case_width_and_blanks_do_not_matter(code: str) -> None:
    wide = code.lower().translate({i: i + 0xFEE0 for i in range(0x21, 0x7F)})
    dirty = [f"\u3000{wide}", f"{code[:8]}-{code[8:]}", f"'{code}\t", f"{code[:2]}\u200b{code[2:]}"]
    assert [a[:2] for a in answers("uscc", dirty)] == [(code, "OK")] * 4
