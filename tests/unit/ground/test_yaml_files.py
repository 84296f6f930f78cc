"""YAML as the config wants it."""

import re
import time

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
        ("'1': a\n\"1\": b\n", 2, "'1'"),
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


NEIGHBOURS = "put a colon and a blank behind the key of the line before, or indent this line as its neighbours"


@pytest.mark.parametrize(
    ("text", "line", "mend"),
    [
        ("a:\n  b: 1\n  c 2\n  d: 3\n", 3, "put a colon and a blank behind the key"),
        ("a:\n  b x\n  c:\n    d: 1\n", 3, NEIGHBOURS),
        ("a:\n  b: 1\n   c: 2\n", 3, NEIGHBOURS),
        ("a:\n  b:[1]\n  c: 2\n", 3, NEIGHBOURS),
        ("a: x: y\n", 1, "quote a text that holds a colon"),
        ("a:\n\tb: 1\n", 2, "indent with blanks, not with tabs"),
        ("a:\n  b: 1\n\tc: 2\n", 3, "indent with blanks, not with tabs"),
        ("a: @x\n", 1, "quote a text that begins with such a character"),
        ("\na: [1, 2\nb: 3\n", 3, "put commas between the values, and close the list that begins on line 2"),
        ("a: {b: 1, c 2]", 1, "put commas between the keys, and close the mapping that begins on line 1"),
        ("a: 'x\nb: 2\n", 3, "close the quotes of the text that begins on line 1"),
        ("a:\n  b: 1\n c: 2\n", 3, "indent this line as its neighbours, or quote the whole text"),
        ("  a: 1\nb: 2\n", 2, "indent this line as its neighbours, or quote the whole text"),
        ("a: *x", 1, "quote a text that begins with *"),
        ("a: 1\n---\nb: 2\n", 2, "leave out what stands behind ---"),
    ],
)
def test_a_slip_in_the_syntax_names_its_line_and_the_mend(read, text, line, mend):
    with pytest.raises(UserError) as error:
        read(text)
    assert re.search(rf"some\.yaml:{line}: [^;]+; {re.escape(mend)}$", str(error.value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2\nb: 3\n", ":2: "),
        ("a: 1\n\tb: 2\n", ":2: "),
        ("a: *nowhere\n", ":1: found undefined alias"),
        (
            "a: !!python/object:os.system {}\n",
            ":1: a: the tag tag:yaml.org,2002:python/object:os.system is not used here",
        ),
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


OTHERWISE = {
    "octal": ("010", "a whole number in another notation"),
    "binary": ("0b11", "a whole number in another notation"),
    "hexadecimal": ("0x1F", "a whole number in another notation"),
    "underscore": ("1_000", "a whole number in another notation"),
    "base 60": ("1:30", "a whole number in another notation"),
    "base 60 with a fraction": ("1:30.5", "a number in another notation"),
    "underscore in a fraction": ("1_0.5", "a number in another notation"),
    "underscore in a power": ("1_0e3", "a number in another notation"),
    "too large": ("1e999", "beyond the range of numbers"),
    "too large with a point": ("1.5e+999", "beyond the range of numbers"),
    "too small": ("1e-999", "beyond the range of numbers"),
    "yes": ("yes", "YAML reads this as true or false"),
    "No": ("No", "YAML reads this as true or false"),
    "ON": ("ON", "YAML reads this as true or false"),
    "off": ("off", "YAML reads this as true or false"),
    "tilde": ("~", "YAML reads this as nothing; write null"),
    "date": ("2024-01-01", "YAML reads this as a date; quote it"),
    "time": ("2024-01-01 12:00:00", "YAML reads this as a date; quote it"),
    "sign": ("=", "YAML reads this as a sign of its own; quote it"),
    "merge": ("<<", "YAML reads this as a sign of its own; quote it"),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_yaml_reads_otherwise_is_refused_with_its_place(read, tmp_path, name):
    text, message = OTHERWISE[name]
    with pytest.raises(UserError) as error:
        read(f"x: 1\na:\n  b: [0, {text}]\n")
    assert str(error.value).startswith(f"{tmp_path / 'some.yaml'}:3: a.b[1] = {text}: {message}")


@pytest.mark.parametrize("name", OTHERWISE)
def test_in_quotes_it_is_text(read, name):
    text, _ = OTHERWISE[name]
    assert read(f"a: '{text}'\n") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("-7", -7), ("+7", 7), ("0.5", 0.5), (".5", 0.5), ("-0.0", 0.0), ("1e0", 1.0), ("0e9", 0.0),
        ("true", True), ("False", False), ("null", None), ("", None), ("08", "08"), ("y", "y"),
    ],
)  # fmt: skip
def test_what_is_read_as_it_is_written(read, text, value):
    found = read(f"a: {text}\n")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("key", ["1", "1.5", "on", "~", "null", "2024-01-01", "010"])
def test_a_key_is_a_text(read, key):
    with pytest.raises(UserError, match=r":2: key .* is no name; if it is one, quote it"):
        read(f"b: 1\n{key}: 2\n")
    assert read(f"'{key}': 2\n") == {key: 2}


@pytest.mark.parametrize(
    "tag", ["!!set {a, b}", "!!omap [a: 1]", "!!binary aGVsbG8=", "!mine 3", "!!python/name:os.system ''"]
)
def test_tags_are_refused(read, tag):
    with pytest.raises(UserError, match=r":1: a.*: the tag .* is not used here; leave it out"):
        read(f"a: {tag}\n")


@pytest.mark.parametrize("text", ['"\\0"', '"\\x1b[31m"', '"\\x7f"'])
def test_control_characters_are_refused(read, text):
    with pytest.raises(UserError, match=r":1: a = .*: the text holds a control character"):
        read(f"a: {text}\n")
    assert read('a: "two\\nlines\\tand a tab"\n') == {"a": "two\nlines\tand a tab"}


BOMBS = {
    "nested lists": "a: " + "[" * 5000 + "]" * 5000,
    "nested mappings": "a: " + "{a: " * 5000 + "}" * 5000,
    "nested blocks": "a: " + "- " * 5000,
    "itself": "a: &a [*a]",
    "itself as a value": "a: &a {b: *a}",
    "laughs": "a0: &a0 [1, 1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 35)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_not_end_is_one_line(read, name):
    with pytest.raises(UserError, match=r"deep|depth|nest|too many values|recursive|block sequence") as error:
        read(BOMBS[name])
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_many_values_are_read_in_a_moment(read):
    start = time.process_time()
    found = read(f"a: {list(range(80_000))}\n")
    assert len(found["a"]) == 80_000
    assert time.process_time() - start < 4.0, "0.5 s on a free core"
