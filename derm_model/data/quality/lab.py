"""CIELAB: a distance in it is about as large as the difference that an eye sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# sRGB to XYZ (D65), IEC 61966-2-1, each row divided by the white point so that white becomes (1, 1, 1).
_TO_XYZ = np.array(
    [[0.412456, 0.357576, 0.180438], [0.212673, 0.715152, 0.072175], [0.019334, 0.119192, 0.950304]], dtype=np.float32
) / np.array([[0.950456], [1.0], [1.088754]], dtype=np.float32)

# L* = 116 fY - 16, a* = 500 (fX - fY), b* = 200 (fY - fZ), with f of CIE 15:2004.
_FROM_F = np.array([[0, 500, 0], [116, -500, 200], [0, 0, -200]], dtype=np.float32)

_LEVELS = np.arange(256, dtype=np.float64) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert sRGB.

    Parameters
    ----------
    rgb : (..., 3) uint8

    Returns
    -------
    (..., 3) float32
        L* 0 to 100, a* and b* about -100 to 100 (CIE 15:2004).
    """
    xyz = _LINEAR[rgb] @ _TO_XYZ.T
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * np.float32((29 / 6) ** 2 / 3) + np.float32(4 / 29))
    return f @ _FROM_F + np.array([-16, 0, 0], dtype=np.float32)
