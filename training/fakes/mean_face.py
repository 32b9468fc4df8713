"""A neutral face in three dimensions: 68 points in iBUG's order, a forehead, and MTCNN's five.

The numbers are this project's own, set down from textbook proportions of an adult head (63 mm
between the pupils, 115 mm from their line to the chin, 145 mm from ear to ear) and corrected by
looking at fits on portraits. Unit: the distance of the pupils. Origin: the middle between them;
x to the right as seen in the picture, y down, z towards the camera.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

_LEFT: Final = {
    # jaw, from the ear to the chin
    0: (-1.14, 0.10, -0.80), 1: (-1.13, 0.42, -0.76), 2: (-1.09, 0.73, -0.71),
    3: (-1.02, 1.02, -0.63), 4: (-0.89, 1.29, -0.52), 5: (-0.70, 1.51, -0.37),
    6: (-0.47, 1.68, -0.20), 7: (-0.24, 1.79, -0.07),
    # brow, outside in
    17: (-0.90, -0.26, -0.20), 18: (-0.74, -0.40, -0.06), 19: (-0.54, -0.44, 0.03),
    20: (-0.34, -0.40, 0.10), 21: (-0.17, -0.33, 0.14),
    # nostril
    31: (-0.24, 0.70, 0.13), 32: (-0.12, 0.75, 0.20),
    # eye: outer corner, lid, inner corner, lower lid
    36: (-0.72, 0.03, -0.10), 37: (-0.59, -0.07, -0.01), 38: (-0.42, -0.07, 0.00),
    39: (-0.28, 0.04, -0.03), 40: (-0.42, 0.08, 0.00), 41: (-0.59, 0.08, -0.02),
    # lips: corner, upper, lower; then the same inside
    48: (-0.43, 1.07, 0.00), 49: (-0.27, 0.99, 0.13), 50: (-0.10, 0.94, 0.19),
    58: (-0.12, 1.25, 0.16), 59: (-0.28, 1.19, 0.10),
    60: (-0.36, 1.07, 0.03), 61: (-0.13, 1.04, 0.15), 67: (-0.13, 1.10, 0.15),
}  # fmt: skip
_MIDDLE: Final = {
    8: (0.0, 1.84, -0.01),
    27: (0.0, -0.02, 0.15), 28: (0.0, 0.19, 0.24), 29: (0.0, 0.40, 0.35), 30: (0.0, 0.59, 0.44),
    33: (0.0, 0.78, 0.24),
    51: (0.0, 0.97, 0.20), 57: (0.0, 1.27, 0.17), 62: (0.0, 1.05, 0.17), 66: (0.0, 1.10, 0.17),
}  # fmt: skip
_OPPOSITE: Final = {
    **{k: 16 - k for k in range(8)}, **{k: 43 - k for k in range(17, 22)}, 31: 35, 32: 34,
    36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46,
    48: 54, 49: 53, 50: 52, 58: 56, 59: 55, 60: 64, 61: 63, 67: 65,
}  # fmt: skip
_FOREHEAD: Final = (
    (-1.02, -0.42, -0.55), (-0.72, -0.84, -0.25), (0.0, -1.05, -0.05),
    (0.72, -0.84, -0.25), (1.02, -0.42, -0.55),
)  # fmt: skip

COUNT: Final = 68


def _model() -> Points:
    points = np.zeros((COUNT + len(_FOREHEAD), 3), np.float32)
    for index, (x, y, z) in _LEFT.items():
        points[index] = x, y, z
        points[_OPPOSITE[index]] = -x, y, z
    for index, place in _MIDDLE.items():
        points[index] = place
    points[COUNT:] = _FOREHEAD
    return points


MODEL: Final = _model()
"""(73, 3): the 68 points, then the forehead from the left temple to the right."""
FIVE: Final = np.array(
    [(-0.5, 0, 0), (0.5, 0, 0), (0, 0.59, 0.42), (-0.42, 1.07, 0.02), (0.42, 1.07, 0.02)],
    np.float32,
)
"""(5, 3): where MTCNN's landmarks lie on the model: pupils, nose, corners of the mouth."""
