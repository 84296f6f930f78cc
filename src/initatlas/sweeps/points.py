"""The identity of a point: its key in the store and its random stream."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical_json(value: Any) -> str:
    """One text per value: keys sorted, no spaces, no NaN."""
    return _CANONICAL.encode(value)


def point_key(
    identity: Mapping[str, Any], *, root_seed: int, data_sha256: str, code: Mapping[str, str] | None = None
) -> str:
    """Name of a point's result: 64 hexadecimal digits.

    They come from its parameters, the root seed, the data set's content, and `code`: the versions of the components that its
    labels name, by module. The experiment and its code version are not part of it: they name the folder of the store.
    """
    components = {"code": dict(code)} if code else {}
    text = canonical_json({"data": data_sha256, "parameters": identity, "root_seed": root_seed, **components})
    return hashlib.sha256(text.encode()).hexdigest()


def point_generator(identity: Mapping[str, Any], *, root_seed: int) -> "np.random.Generator":
    """The random generator of a point.

    It depends on the point's parameters and the root seed alone: not on the order of the points, the batch, the worker, the
    number of workers, or which other points exist.
    """
    import numpy as np

    digest = hashlib.sha256(canonical_json(identity).encode()).digest()
    entropy = np.random.SeedSequence([root_seed, int.from_bytes(digest, "big")])
    return np.random.Generator(np.random.SFC64(entropy))
