"""Small questions to a listening server, each answered within two seconds."""

import http.client
import json
import socket
import struct
from typing import Any

TIMEOUT_S = 2.0


def get(port: int, path: str) -> tuple[int, bytes]:
    """(status, body) of a GET on 127.0.0.1; (0, b"") where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def get_json(port: int, path: str) -> Any:
    """The JSON that a GET answers; None where there is none."""
    try:
        return json.loads(get(port, path)[1])
    except ValueError:
        return None


def speaks_postgres(port: int, role: str) -> bool:
    """Whether PostgreSQL asks for a password (it takes connections) rather than saying why not.

    Start-up message and answer: PostgreSQL documentation, "Message Formats".
    """
    body = struct.pack("!i", 3 << 16) + f"user\0{role}\0database\0postgres\0\0".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
            connection.sendall(struct.pack("!i", len(body) + 4) + body)
            # All of it: closing with unread bytes resets the connection, which the server logs.
            return connection.recv(4096).startswith(b"R")
    except OSError:
        return False


def speaks_valkey(port: int, password: str) -> bool:
    """Whether Valkey answers PING; while it loads its log it answers LOADING instead."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:
                part = connection.recv(256)
                if not part:
                    return False
                answer += part
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"
