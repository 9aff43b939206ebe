"""Why a file was refused."""


class SourceFault(Exception):
    """A file that cannot be ingested: which one, at which line (from 1), and why."""

    def __init__(self, source: str, reason: str, line: int | None = None) -> None:
        where = f"{source}, line {line}" if line else source
        super().__init__(f"{where}: {reason}")
        self.source = source
        self.reason = reason
        self.line = line
