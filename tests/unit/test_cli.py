"""Arguments of the command line."""

import io

import pytest

from initatlas.cli import _text
from initatlas.errors import UserError


def test_a_spec_is_given_in_words_in_a_file_or_on_standard_input(tmp_path, monkeypatch):
    path = tmp_path / "spec.json"
    path.write_text('{"from": "a file"}')
    monkeypatch.setattr("sys.stdin", io.StringIO('{"from": "standard input"}'))
    assert _text('{"from": "words"}') == '{"from": "words"}'
    assert _text(f"@{path}") == '{"from": "a file"}'
    assert _text("-") == '{"from": "standard input"}'


def test_a_spec_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(
        UserError, match=r"^--spec @.*spec.json: No such file or directory; name a file that can be read$"
    ):
        _text(f"@{tmp_path / 'spec.json'}")
