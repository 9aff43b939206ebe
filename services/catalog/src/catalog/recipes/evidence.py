"""The clinical rows that a label rests on, as a member keeps them."""

from typing import Any

import numpy as np

from catalog.recipes.run import RecipeOutcome

TOLD = {
    "exam_id": "exam_id",
    "day": "study_date_anon",
    "desc": "desc",
    "side": "side",
    "asses": "asses",
    "severity": "path_severity",
}


class EvidenceRows:
    """Evidence by place of an image; what the rows said is kept, so it outlives their revision."""

    def __init__(self, outcome: RecipeOutcome) -> None:
        found = outcome.evidence
        self._place = found["place"].to_numpy()
        self._told = (found["role"].to_list(), found["n"].to_list(), found["days"].to_list())
        rows = outcome.rows.filter(outcome.rows["n"].is_in(found["n"].unique().implode()))
        cells = rows.select(rows["day"].dt.to_string(), *(n for n in TOLD if n != "day"))
        named = cells.rename(TOLD).to_dicts()
        self._rows = dict(zip(rows["n"].to_list(), named, strict=True))

    def of(self, place: int) -> list[dict[str, Any]]:
        """The Evidence of an image, the screening rows first."""
        # In the type of the places: numpy would convert all of them each time.
        wanted = np.asarray([place, place + 1], self._place.dtype)
        begin, end = np.searchsorted(self._place, wanted)
        role, row, days = (column[begin:end] for column in self._told)
        return [
            {"role": r, "row": n, "days": d, **self._rows[n]}
            for r, n, d in zip(role, row, days, strict=True)
        ]
