"""What the ingest repaired, refused and noticed, counted by column and reason."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

What = Literal["repaired", "rejected", "noticed"]


@dataclass
class Report:
    """Cells (or rows) by what happened, table, column and reason, with the first line of each."""

    cells: Counter[tuple[What, str, str, str]] = field(default_factory=Counter)
    first_line: dict[tuple[What, str, str, str], int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    def add(
        self, what: What, table: str, column: str, reason: str, cells: int, line: int | None = None
    ) -> None:
        """Count ``cells`` more; ``line`` is the first of them in its file."""
        if cells == 0:
            return
        key = (what, table, column, reason)
        self.cells[key] += cells
        if line is not None:
            self.first_line[key] = min(line, self.first_line.get(key, line))

    def as_json(self) -> dict[str, Any]:
        """Lists of ``{table, column, reason, cells, first_line}``, most frequent first."""
        document: dict[str, Any] = {"repaired": [], "rejected": [], "noticed": []}
        for key, cells in self.cells.most_common():
            what, table, column, reason = key
            document[what].append(
                {
                    "table": table,
                    "column": column,
                    "reason": reason,
                    "cells": cells,
                    "first_line": self.first_line.get(key),
                }
            )
        return {**document, "seconds": {k: round(v, 3) for k, v in self.timings.items()}}
