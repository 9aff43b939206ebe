"""Structured logs: one JSON object a line, the request id in each of them.

Never log a patient identifier, a key or a token; requests are logged by route template.
"""

import json
import logging
import re
import sys
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

HEADER = "X-Request-ID"

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_acceptable = re.compile(r"[A-Za-z0-9._-]{8,64}")
_standard = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def request_id() -> str | None:
    """The id of the request being answered, if there is one."""
    return _request_id.get()


def set_request_id(value: str | None) -> str:
    """Adopt a caller's request id where it is well formed, else mint one."""
    accepted = value if value and _acceptable.fullmatch(value) else uuid.uuid4().hex
    _request_id.set(accepted)
    return accepted


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON; ``extra`` fields become members."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line for ``record``."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self.service,
            "message": record.getMessage(),
            "request_id": _request_id.get(),
        }
        line.update({k: v for k, v in vars(record).items() if k not in _standard})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({k: v for k, v in line.items() if v is not None}, default=str)


def get_logger(name: str) -> logging.Logger:
    """The logger of a module."""
    return logging.getLogger(name)


def configure_logging(service: str, level: str) -> None:
    """Send everything to standard output as JSON lines. Called once per process."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("uvicorn.access", "botocore", "aiobotocore", "httpx", "httpcore", "PIL"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
