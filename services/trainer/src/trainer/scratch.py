"""``python -m trainer.scratch``: remove the pixel arrays on this worker's disk, of every dataset.

For a host that trains no more: a worker that runs removes those of purged datasets by itself. What
a job at work holds stays: run it again when that has ended.
"""

import sys

from trainer.budget import make_room
from trainer.settings import settings_from_environment


def main() -> int:
    """Remove what is not held; 1 where something is."""
    pixels = settings_from_environment().scratch / "pixels"
    gone = make_room(pixels, 0)
    held = sum(1 for folder in pixels.glob("*") if folder.is_dir())
    sys.stdout.write(f"{len(gone)} arrays removed; {held} in use\n")
    return 1 if held else 0


if __name__ == "__main__":
    sys.exit(main())
