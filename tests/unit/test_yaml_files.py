"""YAML as the config wants it."""

import pytest

from initatlas.errors import UserError
from initatlas.yaml_files import read_yaml


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        path = tmp_path / "some.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_yaml(path)

    return write_and_read


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 1e-3), ("1E5", 1e5), ("-2e+4", -2e4), ("1.5e3", 1500.0), ("7", 7), ("0.25", 0.25)]
)
def test_numbers(read, text, value):
    found = read(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["346e55b9", "e5", "1e", "12e3f", "1e-3x", "0xg1e5", "gaussian", "multivariate_t(nu=3)"]
)
def test_text_that_looks_like_a_number_stays_text(read, text):
    assert read(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a'"),
        ("a:\n  b: 1\n  c: 2\n  b: 1\n", 4, "'b'"),
        ("a:\n  - {x: 1,\n     x: 2}\n", 3, "'x'"),
        ("1: a\n1.0: b\n", 2, "1.0"),
    ],
)
def test_a_key_given_twice_names_its_line(read, tmp_path, text, line, key):
    with pytest.raises(UserError) as error:
        read(text)
    assert str(error.value) == f"{tmp_path / 'some.yaml'}:{line}: key {key} is there twice"


def test_merged_mappings_are_overridden_by_their_own_keys(read):
    found = read("base: &base {a: 1, b: {c: 2}}\nother:\n  <<: *base\n  a: 3\n")
    assert found["other"] == {"a": 3, "b": {"c": 2}}


def test_a_merge_does_not_hide_a_doubled_key(read):
    with pytest.raises(UserError, match=":5: key 'a' is there twice"):
        read("base: &base {a: 1}\nother:\n  <<: *base\n  a: 3\n  a: 4\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2\nb: 3\n", ":2: "),
        ("a: 1\n\tb: 2\n", ":2: "),
        ("a: *nowhere\n", ":1: .*nowhere"),
        ("a: !!python/object:os.system {}\n", ":1: could not determine a constructor"),
        ("- 1\n- 2\n", ": expected a mapping"),
        ("text\n", ": expected a mapping"),
        ("{template}: 1\n", ":1: "),
        ("? [1, 2]\n: 3\n", ":1: "),
        ("a: \x00\n", ""),
        (b"a: \xff\xfe\n", ""),
    ],
)
def test_what_is_no_mapping_in_yaml_is_one_line(read, tmp_path, text, message):
    with pytest.raises(UserError, match=f"^{tmp_path}/some.yaml{message}") as error:
        read(text)
    assert "\n" not in str(error.value)


def test_an_empty_file_is_an_empty_mapping(read):
    assert read("# nothing\n") == {}


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent\.yaml: cannot be read \(No such file"):
        read_yaml(tmp_path / "absent.yaml")
