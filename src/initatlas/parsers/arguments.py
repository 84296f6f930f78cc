"""What the commands share: the parser, kinds of values, and options that stand for keys of the config."""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from initatlas.names import did_you_mean
from initatlas.terminal import painted

MISTAKE = 2
"""Exit code after a mistake of the user's."""

Command = Callable[[argparse.Namespace], int | None]


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with a command, and takes ``--quiet`` before and behind its name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.add_argument(
            "-q",
            "--quiet",
            action="store_true",
            default=argparse.SUPPRESS,  # or a command would undo what stands before its name
            help="results, warnings and errors alone",
        )

    def error(self, message: str) -> NoReturn:
        """End with that line and exit code 2; a word that was misspelt comes with the nearest one."""
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        near = did_you_mean(wrong[1], re.findall(r"[\w-]+", wrong[2])) if wrong else ""
        line = f"initatlas: {message}{near}; see {self.prog} --help"
        self.exit(MISTAKE, f"{painted(line, 'red', sys.stderr)}\n")


def add_scale(parser: argparse.ArgumentParser) -> None:
    """``--scale``."""
    parser.add_argument("--scale", choices=("smoke", "quick", "paper"), help="instead of the one in config.yaml")


def add_json(parser: argparse.ArgumentParser, layout: str) -> None:
    """``--json``, with a word on what comes out."""
    parser.add_argument("--json", action="store_true", help=f"for a script: {layout}")


def count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number of at least 1")
    return int(text)


def place(text: str) -> Path:
    """A path, seen from where the command is given, which may run in another folder."""
    return Path(text).absolute()


def seed(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number of at least 0")
    return int(text)


def tolerance(text: str) -> float:
    """A number between 0 and 1."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < 1.0:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number between 0 and 1")
    return number


def positive(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: give a finite number above 0")
    return number


def overrides_of(options: argparse.Namespace) -> dict[str, str]:
    """Options that stand for keys of the config."""
    chosen = {key: getattr(options, key, None) for key in ("scale", "backend", "raw_data", "fail_fast")}
    return {key: str(value).lower() if value is True else value for key, value in chosen.items() if value}
