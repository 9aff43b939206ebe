"""``python -m chassis.probe``: exit 0 where this container's service is ready. Its health check.

An image without ``curl`` has Python. It runs every few seconds, so it imports no HTTP client.
"""

import socket
import sys

PORT, TIMEOUT_S = 8000, 4.0


def is_ready(port: int) -> bool:
    """Whether ``/readyz`` of a service of this host answers 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            with connection.makefile("rb") as answer:
                return answer.readline().split()[1:2] == [b"200"]
    except OSError as error:
        print(error, file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(0 if is_ready(PORT) else 1)
