"""Scores per unit in a file, which may come from a stranger."""

import json
import re

import numpy as np
import pytest
from safetensors.numpy import save

from harness.store import Units, pack, unpack


def texts(*each):
    return np.frombuffer("".join(f"{text}\0" for text in each).encode(), dtype=np.uint8)


def test_what_is_packed_is_unpacked():
    """To the last bit, an undefined unit and the letters of a name too."""
    values = np.array([0.1 + 0.2, np.nan, -0.0])
    units = Units(
        names=("Zürich", "v", "w"), clusters=("a", "a", "b"), values={"f1": values, "mse": 2 * values}
    )
    found = unpack(pack(units))
    assert found.names == ("Zürich", "v", "w")
    assert found.clusters == ("a", "a", "b")
    assert found.weights is None
    assert list(found.values) == ["f1", "mse"]
    assert found.values["f1"].tobytes() == values.tobytes()
    assert found.values["mse"].tobytes() == (2 * values).tobytes()


def test_no_metric_and_no_unit_are_kept():
    """A task may have no scores per unit for any of its metrics."""
    found = unpack(pack(Units(names=("u",), weights=np.array([2.0]), values={})))
    assert found.names == ("u",)
    assert found.weights.tolist() == [2.0]
    assert found.values == {}
    assert unpack(pack(Units(names=(), values={"f1": np.zeros(0)}))).values["f1"].shape == (0,)
    assert unpack(pack(Units(names=("",), values={}))).names == ("",)
    with pytest.raises(ValueError, match="has a zero byte in it"):
        pack(Units(names=("a\0b",), values={}))


def test_an_array_that_asks_for_more_than_it_holds_is_refused():
    """A header of a hundred bytes must not make the reader set aside eight terabytes."""
    header = json.dumps({"values": {"dtype": "F64", "shape": [1, 10**12], "data_offsets": [0, 8]}}).encode()
    with pytest.raises(ValueError, match="holds no arrays"):
        unpack(len(header).to_bytes(8, "little") + header + b"12345678")


NAMED = {"names": texts("u"), "metrics": texts("f1")}
ONE = {**NAMED, "values": np.ones((1, 1))}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04" + b"x" * 100,
        (2**60).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        save(ONE)[:-1],
        save(ONE).replace(b'"F64"', b'"F99"'),
        save(ONE).replace(b'"F64"', b'"I65"'),
    ],
)
def test_what_is_no_file_of_arrays_is_refused(content):
    """By a sentence: cut short, of another kind, with numbers of no known kind."""
    with pytest.raises(ValueError, match="holds no arrays"):
        unpack(content)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({**ONE, "names": np.array([1.0])}, '"names", which is no list of texts'),
        ({**ONE, "names": np.frombuffer(b"u", np.uint8)}, '"names", which is no list of texts'),
        ({**ONE, "names": np.frombuffer(b"u\0v", np.uint8)}, '"names", which is no list of texts'),
        ({**ONE, "names": np.frombuffer(b"u\0", np.int8)}, '"names", which is no list of texts'),
        (
            {**ONE, "names": np.frombuffer(b"u\0v\0", np.uint8)},
            '"values" of shape (1, 1) for 1',
        ),
        (
            {**ONE, "clusters": np.frombuffer(b"\xed\xa0\x80\0", np.uint8)},
            '"clusters", which is no list of texts',
        ),
        ({**ONE, "values": np.ones((1, 1), np.float32)}, '"values" of float32 and shape (1, 1)'),
        ({**NAMED, "values": np.array([0.1])}, '"values" of float64 and shape (1,), which is no score'),
        ({**NAMED, "values": np.array([[0.1, 0.2]])}, '"values" of shape (1, 2) for 1 metrics, 1 units'),
        ({**ONE, "weights": np.ones(2)}, '"weights" of shape (2,)'),
        ({**ONE, "clusters": texts("a", "b")}, '"clusters" of shape (2,)'),
        ({"metrics": texts("f1"), "values": np.array([[0.1]])}, 'has no "names"'),
        ({**ONE, "metrics": texts("f", "f"), "values": np.ones((2, 1))}, "names a metric twice"),
        ({**ONE, "more": np.array([0.1])}, 'has "more", which does not belong there'),
    ],
)
def test_other_arrays_are_refused(arrays, says):
    """Each by a sentence that names the array."""
    with pytest.raises(ValueError, match=re.escape(says)):
        unpack(save(arrays))
