"""Mammograms drawn from their description: pure functions from an `ImageSpec` to an array."""

from devstack.synthetic.pixels.render import render_image
from devstack.synthetic.pixels.specs import ImageSpec, LesionSpec

__all__ = ["ImageSpec", "LesionSpec", "render_image"]
