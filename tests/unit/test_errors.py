"""Errors carry an exit code and help to find the right name."""

from harness.errors import BadData, HarnessError, Misuse, did_you_mean, writable


def test_exit_codes_are_the_documented_ones():
    """Misuse and bad data end with 2, everything else with 1."""
    assert (HarnessError.exit_code, Misuse.exit_code, BadData.exit_code) == (1, 2, 2)


def test_a_close_name_is_proposed_else_all_are_listed():
    """A slip of the hand is recognised; otherwise the reader sees what there is."""
    assert did_you_mean("randm", ["random", "sketch"]) == ' Did you mean "random"?'
    assert did_you_mean("zzz", ["random", "sketch"]) == " Known: random, sketch."
    assert did_you_mean("zzz", []) == " Known: none."


def test_what_a_guest_says_can_be_written():
    """Half characters are spelled out, in names too, so that two of them stay two; all else is as it was."""
    one, other = chr(0xDC80), chr(0xDC81)
    said = {f"a{one}": 1, f"a{other}": [one, ("é", None)], "n": 2.5}
    assert writable(said) == {"a\\udc80": 1, "a\\udc81": ["\\udc80", ["é", None]], "n": 2.5}
