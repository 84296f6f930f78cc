"""The identity of a point: its key in the store and its random stream."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import numpy as np

    from initatlas.sweeps.experiment import Parameters

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical_json(value: Any) -> str:
    """One text per value: keys sorted, no spaces, no NaN."""
    return _CANONICAL.encode(value)


def point_key(
    identity: Mapping[str, Any], *, root_seed: int, data_sha256: str, code: Mapping[str, str] | None = None
) -> str:
    """Name of a point's result: 64 hexadecimal digits, the hash of `key_text`."""
    text = key_text(identity, root_seed=root_seed, data_sha256=data_sha256, code=code)
    return hashlib.sha256(text.encode()).hexdigest()


def key_text(
    identity: Mapping[str, Any], *, root_seed: int, data_sha256: str, code: Mapping[str, str] | None = None
) -> str:
    """What names a point's result.

    That are its parameters, the root seed, the data set's content, and `code`: the versions of the components that its labels
    name, by module. The experiment and its code version are not part of it: they name the folder of the store.
    """
    components = {"code": dict(code)} if code else {}
    return canonical_json({"data": data_sha256, "parameters": identity, "root_seed": root_seed, **components})


def point_generator(identity: Mapping[str, Any], *, root_seed: int) -> "np.random.Generator":
    """The random generator of a point.

    It depends on the point's parameters and the root seed alone: not on the order of the points, the batch, the worker, the
    number of workers, or which other points exist.
    """
    import numpy as np

    digest = hashlib.sha256(canonical_json(identity).encode()).digest()
    words = _words(root_seed) + _words(int.from_bytes(digest, "big"))
    entropy = np.random.SeedSequence(np.frombuffer(words, dtype="<u4").astype(np.uint32))
    return np.random.Generator(np.random.SFC64(entropy))


def _words(number: int) -> bytes:
    """A whole number in words of four bytes, least first, as `SeedSequence` takes it apart, but in a quarter of the time."""
    return number.to_bytes(4 * max(-(-number.bit_length() // 32), 1), "little")


class Generators(Sequence["np.random.Generator"]):
    """The random generators of some points, each made when it is asked for: not every experiment draws.

    Parameters
    ----------
    points
        The points.
    root_seed
        As in `point_generator`.
    """

    def __init__(self, points: "Sequence[Parameters]", *, root_seed: int) -> None:
        self._points = points
        self._root_seed = root_seed
        self._made: dict[int, np.random.Generator] = {}

    def __len__(self) -> int:
        return len(self._points)

    @overload
    def __getitem__(self, number: int) -> "np.random.Generator": ...

    @overload
    def __getitem__(self, number: slice) -> "list[np.random.Generator]": ...

    def __getitem__(self, number: int | slice) -> "np.random.Generator | list[np.random.Generator]":
        """The generator of a point: the same one whenever it is asked for, so that it goes on where it was."""
        numbers = range(len(self._points))[number]
        return self._generator(numbers) if isinstance(numbers, int) else [*map(self._generator, numbers)]

    def _generator(self, number: int) -> "np.random.Generator":
        """The generator of one point."""
        if number not in self._made:
            self._made[number] = point_generator(self._points[number].identity(), root_seed=self._root_seed)
        return self._made[number]
