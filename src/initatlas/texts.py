"""Texts that a user may have written or changed."""

from pathlib import Path

from initatlas.errors import UserError


def read_text(path: Path) -> str:
    """The text of a file.

    Raises
    ------
    UserError
        If it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save it as such") from None
