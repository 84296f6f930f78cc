"""Types of arrays, for annotations: by what they hold, whatever their shape."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Floats = NDArray[Any]
"""Of float32 or of float64, as the caller chose."""

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Complexes = NDArray[np.complex128]
