"""Values in error lines."""

import pytest

from initatlas.validation import LONGEST_VALUE, shown


@pytest.mark.parametrize("value", [1.5, "a'b", {"a": [1, 2]}, [{"a": {"b": 1}}], None])
def test_a_short_value_is_shown_as_it_is(value):
    assert shown(value) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        "x\n" * 5000,
        10**4000,
        list(range(10**6)),
        [{f"key {i}": {f"key {j}": "word " * 100 for j in range(50)} for i in range(50)}] * 9,
    ],
    ids=["a text", "a number", "a list", "a tree"],
)
def test_a_value_of_any_size_is_a_short_part_of_a_line(value):
    text = shown(value)
    assert "\n" not in text
    assert "..." in text
    assert len(text) <= LONGEST_VALUE + len("...")
