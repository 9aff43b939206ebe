"""Searches: from a query to a page of results."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from chassis.problems import FieldError, Problem

from imagery.dicomweb.directory import DicomDirectory, Found, Instance
from imagery.dicomweb.document import Document
from imagery.dicomweb.query import Query
from imagery.dicomweb.results import needed_columns, results

EXAMS = 100
FARTHEST_SERIES = 10_000
LARGEST_STUDY = 1000


@dataclass(frozen=True)
class Page:
    """A page of results, how many more there are (None: not counted), and whose they are."""

    results: Sequence[Document]
    remaining: int | None
    patients: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Search:
    """The catalog, asked in one person's name; ``base`` is the address of the service."""

    directory: DicomDirectory
    authorization: str
    base: str

    async def run(self, query: Query) -> Page:
        """The page that ``query`` asks for.

        A study or an instance given by UID is found wherever the caller may see it; anything else
        is searched in one dataset.
        """
        if query.uids.keys() & {"StudyInstanceUID", "SOPInstanceUID"}:
            return await self._of_uids(query)
        if query.uids:
            raise _needs_study()
        if query.level == "series":
            return await self._series(query)
        return await self._page(query)

    async def _of_uids(self, query: Query) -> Page:
        instances: list[Instance] = []
        by_study = "StudyInstanceUID" in query.uids
        name = "study_instance_uid" if by_study else "sop_instance_uid"
        for uid in sorted(query.uids["StudyInstanceUID" if by_study else "SOPInstanceUID"]):
            question = self._question(query, 0, LARGEST_STUDY) | {name: uid[:64]}
            instances += (await self._ask(question)).items
        wanted = [one for one in instances if _is_wanted(query, one)]
        found = results(query, wanted, self.base)
        end = query.offset + query.limit
        return Page(found[query.offset : end], max(0, len(found) - end), _patients(wanted))

    async def _page(self, query: Query) -> Page:
        question = self._question(query, query.offset, query.limit)
        question["unit"] = "exam" if query.level == "study" else "image"
        found = await self._ask(question)
        remaining = max(0, found.total - query.offset - query.limit)
        return Page(results(query, found.items, self.base), remaining, _patients(found.items))

    async def _series(self, query: Query) -> Page:
        """Series of all studies: nobody counts them, so the way to a page leads past the others."""
        if query.offset > FARTHEST_SERIES:
            raise _too_far()
        end = query.offset + query.limit
        found: list[Document] = []
        patients: set[str] = set()
        async for exams in self._exams(query):
            found += results(query, exams, self.base)
            patients |= _patients(exams)
            if len(found) > end:
                break
        remaining = None if len(found) > end else 0
        return Page(found[query.offset : end], remaining, frozenset(patients))

    async def _exams(self, query: Query) -> AsyncIterator[Sequence[Instance]]:
        begin, total = 0, 1
        while begin < total:
            page = await self._ask(self._question(query, begin, EXAMS))
            yield page.items
            begin, total = begin + EXAMS, page.total

    async def _ask(self, question: dict[str, object]) -> Found:
        return await self.directory.search(question, self.authorization)

    def _question(self, query: Query, offset: int, limit: int) -> dict[str, object]:
        return {
            "dataset": query.dataset,
            "match": query.match,
            "columns": needed_columns(query),
            "offset": offset,
            "limit": limit,
        }


def _patients(instances: Sequence[Instance]) -> frozenset[str]:
    return frozenset(one.patient_id for one in instances)


def _is_wanted(query: Query, instance: Instance) -> bool:
    """Whether its UIDs are all among those asked for."""
    have = {
        "StudyInstanceUID": instance.study_instance_uid,
        "SeriesInstanceUID": instance.series_instance_uid,
        "SOPInstanceUID": instance.sop_instance_uid,
    }
    return all(have[name] in uids for name, uids in query.uids.items())


def _needs_study() -> Problem:
    fault = FieldError(
        field="SeriesInstanceUID",
        message="is matched within a study: give its StudyInstanceUID as well",
        accepted=["/studies/{study}/series", "StudyInstanceUID"],
    )
    return Problem(400, "Search too wide", detail=fault.message, errors=[fault])


def _too_far() -> Problem:
    fault = FieldError(
        field="offset",
        message=f"series of all studies are listed up to {FARTHEST_SERIES}: narrow the search",
        accepted=["PatientID", "AccessionNumber", "StudyInstanceUID", "StudyDate"],
    )
    return Problem(400, "Search too wide", detail=fault.message, errors=[fault])
