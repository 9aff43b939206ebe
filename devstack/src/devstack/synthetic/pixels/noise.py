"""Textures: power-law noise, the statistics of breast tissue (Burgess 1999: power falls with the
cube of frequency)."""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Coordinates = NDArray[np.floating[Any]]

TEXTURE_SIZE = 512
_BANK_SIZE = 7


@cache
def _spectrum(size: int, exponent: float) -> Image:
    fy = np.fft.fftfreq(size)[:, None]
    fx = np.fft.rfftfreq(size)[None, :]
    frequency = np.maximum(np.hypot(fy, fx), 1.5 / size)
    return np.asarray(frequency ** (-exponent / 2), dtype=np.float32)


def power_law_noise(rng: np.random.Generator, exponent: float, size: int = TEXTURE_SIZE) -> Image:
    """A periodic (size, size) texture with power spectrum 1/f^exponent, mean 0, standard
    deviation 1."""
    white = rng.standard_normal((size, size), dtype=np.float32)
    texture = np.fft.irfft2(np.fft.rfft2(white) * _spectrum(size, exponent), s=(size, size))
    texture -= texture.mean()
    return np.asarray(texture / texture.std(), dtype=np.float32)


@cache
def _bank(exponent: float) -> tuple[Image, ...]:
    """A few textures per exponent, made once per process: where a view starts in one, and how it
    is turned, vary enough."""
    rng = np.random.Generator(np.random.Philox([2013, round(exponent * 10)]))
    return tuple(power_law_noise(rng, exponent) for _ in range(_BANK_SIZE))


def sample_texture(
    rng: np.random.Generator, exponent: float, y: Coordinates, x: Coordinates
) -> Image:
    """Power-law noise at any coordinates (in texture pixels): one of the bank's textures from a
    random place."""
    texture = _bank(exponent)[int(rng.integers(_BANK_SIZE))]
    dy, dx = rng.integers(0, TEXTURE_SIZE, 2)
    sign = -1.0 if rng.random() < 0.5 else 1.0
    at = np.asarray(x + dx, np.float32), np.asarray(sign * y + dy, np.float32)
    return np.asarray(cv2.remap(texture, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


@cache
def grain_tile() -> Image:
    """A (1024, 1024) periodic tile of fine grain, made once per process."""
    rng = np.random.Generator(np.random.Philox(20230131))
    fine = power_law_noise(rng, 0.6, 1024)
    return np.asarray(fine * 0.8 + power_law_noise(rng, 1.8, 1024) * 0.6, dtype=np.float32)


@cache
def _repeated_grain(down: int, across: int) -> Image:
    """The tile repeated. Few sizes occur, and the largest is 100 MB, once per process."""
    return np.tile(grain_tile(), (down, across))


def tiled_grain(rows: int, columns: int, rng: np.random.Generator) -> Image:
    """Grain of any size: the tile from a random place, repeated."""
    dy, dx = rng.integers(0, 1024, 2)
    repeated = _repeated_grain((rows + 1023) // 1024 + 1, (columns + 1023) // 1024 + 1)
    return repeated[dy : dy + rows, dx : dx + columns]
