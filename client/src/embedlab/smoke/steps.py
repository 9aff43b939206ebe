"""The steps, one after the other; each asks the server and checks what it says."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from embedlab.bodies import Cohort, ImageRecord, ImageSummary, Job, Member
from embedlab.client import Client
from embedlab.errors import NotSignedIn
from embedlab.smoke import checks
from embedlab.smoke.checks import Lie, insist

T = TypeVar("T")

VIEW = "CC"
ASSESSMENTS = ("S", "M")
SPLIT = {"train": 0.7, "validation": 0.1, "test": 0.2}
CLASSES = ("B", "K")
THUMBNAIL = 256
LARGEST_PAGE = 1000
AT_ONCE = 8
# A server may hold only some of the files, as the demo does.
PICTURED = {"has_file": [True]}


@dataclass
class Plan:
    """What to ask for."""

    dataset: str | None = None
    per_class: int = 100
    records: int = 1000
    pictures: int = 8
    left_out: int = 40
    job_timeout_s: float = 900.0
    overrides: dict[str, Any] = field(default_factory=lambda: {"weights": "none"})


@dataclass
class Walk:
    """A walk through the system: what each step found, for the next ones."""

    lab: Client
    plan: Plan
    items: list[ImageSummary] = field(default_factory=list)
    pictured: list[ImageSummary] = field(default_factory=list)
    cohort: Cohort | None = None
    members: list[Member] = field(default_factory=list)
    job: Job | None = None
    seen: Callable[[Job], None] | None = None

    @property
    def query(self) -> dict[str, Any]:
        """The filter of the walk."""
        return {"asses": list(ASSESSMENTS), "ViewPosition": [VIEW]}

    def refuse_strangers(self) -> str:
        """Nothing is served to somebody who is not signed in."""
        with Client(self.lab.url) as stranger:
            try:
                stranger.search_images()
            except NotSignedIn:
                return "401 without a sign-in"
        raise Lie("images are listed to people who are not signed in")

    def sign_in(self) -> str:
        """Who we are."""
        person = self.lab.me()["person"]
        insist(person["role"] != "reader", f"{person['email']} is a reader and may not train")
        return f"{person['email']}, {person['role']}"

    def read_filters(self) -> str:
        """The filters that the walk uses, with their counts."""
        wanted = {"asses": [*ASSESSMENTS, *CLASSES], "ViewPosition": [VIEW, "MLO"]}
        return checks.check_filters(self.lab.filters(self.plan.dataset), wanted)

    def search(self) -> str:
        """Every match, page after page, in both grammars."""
        params = {**self.query, "dataset": self.plan.dataset}
        given = {name: value for name, value in params.items() if value is not None}
        total = 0
        for page in self.lab.pages("/api/v1/images", given, limit=LARGEST_PAGE):
            total = page["total"]
            self.items += page["items"]
        said = checks.check_search(self.items, total, VIEW, ASSESSMENTS)
        posted = self.lab.search_images(self.query, dataset=self.plan.dataset, limit=50)
        insist(posted["total"] == total, "query string and JSON find different numbers")
        same = [i["image_id"] for i in posted["items"]] == [i["image_id"] for i in self.items[:50]]
        insist(same, "query string and JSON find different images")
        return said

    def count(self) -> str:
        """Facets and totals against what was listed."""
        names = ["asses", "ViewPosition"]
        found = self.lab.facets(self.query, names, dataset=self.plan.dataset)
        checks.check_facets(found["facets"], self.items, VIEW, ASSESSMENTS)
        return checks.check_totals(self.items, found["total"])

    def read_records(self) -> str:
        """Records of matches fit the filter; records of others do not."""
        chosen = spread(self.items, self.plan.records)
        for item, record in self._records(chosen):
            checks.check_record(record, item, VIEW, ASSESSMENTS)
        matches = {item["image_id"] for item in self.items}
        others = self.lab.search_images(
            {"ViewPosition": [VIEW]}, dataset=self.plan.dataset, limit=LARGEST_PAGE
        )
        left = [i for i in others["items"] if i["image_id"] not in matches]
        for _, record in self._records(spread(left, self.plan.left_out)):
            checks.check_left_out(record, ASSESSMENTS)
        return f"{len(chosen)} matches, {min(len(left), self.plan.left_out)} others"

    def _records(self, items: Sequence[T]) -> Iterator[tuple[T, ImageRecord]]:
        """Each item with its record, read several at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from zip(items, pool.map(self._record_of, items), strict=True)

    def _record_of(self, item: Any) -> ImageRecord:
        return self.lab.image(item["image_id"])

    def look_at_thumbnails(self) -> str:
        """Small JPEGs of matches that have a picture."""
        found = self.lab.search_images(
            {**self.query, **PICTURED}, dataset=self.plan.dataset, limit=LARGEST_PAGE
        )
        insist(found["total"] > 0, "no match has a picture")
        matches = {item["image_id"] for item in self.items}
        self.pictured = spread(found["items"], self.plan.pictures)
        for item in self.pictured:
            insist(item["image_id"] in matches, "a further condition finds further images")
            data = self.lab.thumbnail(item["image_id"], THUMBNAIL)
            said = checks.check_picture(data, "JPEG", longest=THUMBNAIL)
        return f"{len(self.pictured)}, the last {said}"

    def look_at_picture(self) -> str:
        """A PNG of the image's own size."""
        item = self.pictured[0]
        columns, rows = item["Columns"], item["Rows"]
        insist(bool(columns and rows), f"image {item['image_id']} has no size")
        data = self.lab.rendered(item["image_id"], format="png")
        return checks.check_picture(data, "PNG", size=(int(columns or 0), int(rows or 0)))

    def freeze_cohort(self) -> str:
        """B against K, and what its members are."""
        self.cohort = self.lab.create_cohort(self.definition())
        self.members = list(self.lab.members(self.cohort["cohort_id"]))
        said = checks.check_cohort(self.cohort, self.members, self.plan.per_class, SPLIT)
        for member, record in self._records(self.members):
            checks.check_label(record, member)
        return said

    def definition(self) -> dict[str, Any]:
        """The cohort of the walk."""
        return {
            "name": "smoke: B against K",
            "dataset": self.plan.dataset or self.items[0]["dataset"],
            "filter": {"FinalImageType": ["2D"], **PICTURED},
            "label": {
                "field": "asses",
                "classes": [{"name": name, "values": [name]} for name in CLASSES],
                "policy": "worst",
            },
            "sampling": {"per_class": self.plan.per_class},
            "split": {"by": "patient", **SPLIT},
            "seed": 7,
        }

    def train(self) -> str:
        """A job, to its end."""
        assert self.cohort is not None
        queued = self.lab.submit_job(
            "embed-2b6k", self.cohort["cohort_id"], self.plan.overrides, name="smoke"
        )
        insist(queued["state"] in ("queued", "running"), f"a new job is {queued['state']}")
        try:
            self.job = self.lab.wait_for_job(
                queued["job_id"], self.seen, timeout_s=self.plan.job_timeout_s
            )
        except (TimeoutError, KeyboardInterrupt):
            self.lab.cancel_job(queued["job_id"])
            raise
        return f"{self.job['job_id']}, {len(self.job['epochs'])} epochs"

    def read_metrics(self) -> str:
        """What the job learnt."""
        assert self.job is not None
        return checks.check_job(self.job, self.members)

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """Name and work of each step, in order."""
        return [
            ("nobody is let in unasked", self.refuse_strangers),
            ("sign in", self.sign_in),
            ("read filters", self.read_filters),
            ("search S or M, CC", self.search),
            ("count facets", self.count),
            ("read records", self.read_records),
            ("thumbnails", self.look_at_thumbnails),
            ("rendered PNG", self.look_at_picture),
            ("freeze cohort B, K", self.freeze_cohort),
            ("train embed-2b6k", self.train),
            ("read metrics", self.read_metrics),
        ]


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most ``most`` of the items, evenly from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[i * len(items) // most] for i in range(most)]
