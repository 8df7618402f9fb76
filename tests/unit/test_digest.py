"""Addresses: the same content always gives the same one, any other content another one."""

import hashlib

import pytest

from harness.digest import address, canonical


def test_canonical_text_does_not_depend_on_the_order_of_keys():
    """Two mappings with equal content have one text."""
    assert canonical({"b": 1, "a": [1, 2.5]}) == canonical({"a": (1, 2.5), "b": 1}) == '{"a":[1,2.5],"b":1}'


def test_address_is_the_sha256_of_scheme_kind_and_content():
    """Anyone can compute an address by hand."""
    by_hand = hashlib.sha256(b'[1,"sample",{"size":10}]').hexdigest()
    assert address("sample", size=10) == by_hand


def test_nan_has_no_address():
    """A number that is not equal to itself cannot be part of an address."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        address("score", value=float("nan"))
