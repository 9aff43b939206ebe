"""``python -m chassis.probe [URL]``: exit 0 where the URL answers 200. A container's health check.

An image without ``curl`` has Python; the default URL is this container's own readiness.
"""

import sys
import urllib.request

READY = "http://127.0.0.1:8000/readyz"


def main() -> int:
    """Exit status: 0 healthy, 1 not."""
    url = sys.argv[1] if len(sys.argv) > 1 else READY
    try:
        with urllib.request.urlopen(url, timeout=4) as answer:  # noqa: S310 - given by the operator
            return 0 if answer.status == 200 else 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
