"""Column names in the spellings of the releases, under the name that v1 gives them."""

from collections.abc import Mapping, Sequence

from catalog.fields import ALIASES, Table, columns
from catalog.ingest.faults import SourceFault
from catalog.nearest import nearest

REQUIRED: dict[Table, tuple[str, ...]] = {
    "clinical": ("empi_anon", "acc_anon", "side", "asses"),
    "metadata": ("empi_anon", "acc_anon", "anon_dicom_path", "ImageLateralityFinal"),
}


def canonical_names(table: Table, header: Sequence[str]) -> list[str]:
    """``header`` with known aliases replaced where the v1 name is not taken; others unchanged."""
    taken = set(header)
    folded = {name.casefold(): name for name in columns(table)}
    return [_canonical(ALIASES[table], folded, taken, name) for name in header]


def _canonical(
    aliases: Mapping[str, str], folded: Mapping[str, str], taken: set[str], name: str
) -> str:
    wanted = aliases.get(name) or folded.get(name.casefold(), name)
    if wanted != name and wanted in taken:
        return name
    taken.add(wanted)
    return wanted


def check_required(table: Table, source: str, names: Sequence[str]) -> None:
    """Refuse a file that has not the columns that joining needs."""
    missing = [name for name in REQUIRED[table] if name not in names]
    if missing:
        near = {name: nearest(name, names)[:3] for name in missing}
        raise SourceFault(
            source, f"no EMBED {table} table: columns missing: {missing}; nearest: {near}", 1
        )
