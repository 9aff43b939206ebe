"""`Client`: the whole API in one object. Methods are named after the operations they call."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from embedlab.bodies import (
    Cohort,
    Facets,
    Filter,
    ImageRecord,
    ImageSummary,
    Job,
    Member,
    Revision,
    Token,
)
from embedlab.errors import JobFailed
from embedlab.transport import Transport

API = "/api/v1"
FINISHED = frozenset({"succeeded", "failed", "cancelled"})
PAGE = 500

JobSeen = Callable[[Job], None]


class Client:
    """A person at a server, by an API token or by a session.

    Methods raise `embedlab.ApiError` (its kinds say what to do) and `embedlab.Unreachable`.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout: float = 60.0) -> None:
        self._http = Transport(url, timeout)
        self.url = self._http.url
        if token:
            self._http.headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def signed_in(cls, url: str, email: str, password: str, *, timeout: float = 60.0) -> Self:
        """A client with a session of its own, ended by `close`."""
        client = cls(url, timeout=timeout)
        try:
            body = {"email": email, "password": password}
            session = client._http.json("POST", f"{API}/session", body=body)
        except BaseException:
            client._http.close()
            raise
        client._http.headers["X-CSRF-Token"] = session["csrf_token"]
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session, if there is one, and the connections."""
        try:
            if "X-CSRF-Token" in self._http.headers:
                self._http.json("DELETE", f"{API}/session")
        finally:
            self._http.close()

    def pages(
        self, path: str, params: Mapping[str, Any] | None = None, *, limit: int = PAGE
    ) -> Iterator[dict[str, Any]]:
        """Each page of a list: ``items``, ``total``, ``next``."""
        query = {**(params or {}), "limit": limit}
        while True:
            page: dict[str, Any] = self._http.json("GET", path, params=query)
            yield page
            if page["next"] is None:
                return
            query["cursor"] = page["next"]

    def items(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Each item of a list, page after page."""
        for page in self.pages(path, params):
            yield from page["items"]

    # Who, and whether it works

    def me(self) -> dict[str, Any]:
        """The caller, their scopes and agreements."""
        return cast(dict[str, Any], self._http.json("GET", f"{API}/me"))

    def readiness(self) -> dict[str, Any]:
        """The state of each dependency of the server, ready or not."""
        return cast(dict[str, Any], self._http.readiness())

    def create_token(self, name: str, scopes: Sequence[str], expires_in_days: int) -> Token:
        """A new API token; needs a session."""
        body = {"name": name, "scopes": list(scopes), "expires_in_days": expires_in_days}
        return cast(Token, self._http.json("POST", f"{API}/tokens", body=body))

    def revoke_token(self, token_id: str) -> None:
        """End an API token."""
        self._http.json("DELETE", f"{API}/tokens/{token_id}")

    # Data

    def datasets(self) -> list[dict[str, Any]]:
        """The datasets that the server knows, with their active revision."""
        return list(self.items(f"{API}/datasets"))

    def purge(self, dataset: str, part: str | None = None) -> dict[str, Any]:
        """Remove what one service has of a dataset: the catalog, or ``pictures`` or ``jobs``."""
        path = f"{API}/datasets/{dataset}" + (f"/{part}" if part else "")
        return dict(self._http.json("DELETE", path))

    def create_revision(self, dataset: str, request: Mapping[str, Any]) -> Revision:
        """Start an ingest of ``tables``, a folder, or ``clinical`` and ``metadata`` (URIs)."""
        path = f"{API}/datasets/{dataset}/revisions"
        return cast(Revision, self._http.json("POST", path, body=dict(request)))

    def revision(self, dataset: str, revision_id: str) -> Revision:
        """The state of an ingest."""
        path = f"{API}/datasets/{dataset}/revisions/{revision_id}"
        return cast(Revision, self._http.json("GET", path))

    def wait_for_revision(
        self,
        dataset: str,
        revision_id: str,
        seen: Callable[[Revision], None] | None = None,
        *,
        every_s: float = 0.5,
    ) -> Revision:
        """The final state of an ingest; ``seen`` is told each state on the way."""
        while True:
            state = self.revision(dataset, revision_id)
            if seen:
                seen(state)
            if state["state"] not in ("queued", "running"):
                return state
            time.sleep(every_s)

    def filters(self, dataset: str | None = None) -> list[dict[str, Any]]:
        """Every filter with its options and their counts."""
        return list(self.items(f"{API}/filters", _given(dataset=dataset)))

    def images(
        self, query: Filter | None = None, *, dataset: str | None = None, sort: str | None = None
    ) -> Iterator[ImageSummary]:
        """Every image under a filter in the query string's grammar (`age_at_study.gte`)."""
        params = {**(query or {}), **_given(dataset=dataset, sort=sort)}
        yield from cast(Iterator[ImageSummary], self.items(f"{API}/images", params))

    def search_images(
        self,
        query: Filter | None = None,
        *,
        dataset: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """One page of images under a filter in the JSON grammar."""
        body = {"filter": query or {}, "limit": limit, **_given(dataset=dataset, cursor=cursor)}
        return cast(dict[str, Any], self._http.json("POST", f"{API}/images/search", body=body))

    def facets(
        self,
        query: Filter | None = None,
        facets: Sequence[str] | None = None,
        *,
        dataset: str | None = None,
        count: str = "images",
    ) -> Facets:
        """Totals and counts by option under a filter in the JSON grammar."""
        body = {"filter": query or {}, "facets": facets, "count": count, **_given(dataset=dataset)}
        return cast(Facets, self._http.json("POST", f"{API}/facets", body=body))

    def image(self, image_id: int) -> ImageRecord:
        """All that is known of an image."""
        return cast(ImageRecord, self._http.json("GET", f"{API}/images/{image_id}"))

    def thumbnail(self, image_id: int, size: int = 256) -> bytes:
        """A small JPEG; ``size`` is its longest side."""
        return self._http.bytes(f"{API}/images/{image_id}/thumbnail", {"size": size})

    def rendered(self, image_id: int, **params: Any) -> bytes:
        """The picture after window and level; PNG at full size unless ``params`` say otherwise."""
        return self._http.bytes(f"{API}/images/{image_id}/rendered", params)

    def original(self, image_id: int, target: Path) -> int:
        """Write the original DICOM to ``target``; its bytes. Needs the scope `export`."""
        return self._http.download(f"{API}/images/{image_id}/dicom", target)

    def flag_image(self, image_id: int, kind: str, note: str | None = None) -> dict[str, Any]:
        """Say that an image is unreadable, or of the wrong side, or has a wrong ROI, or a note."""
        body = {"image_id": image_id, "kind": kind, **_given(note=note)}
        return cast(dict[str, Any], self._http.json("POST", f"{API}/flags", body=body))

    def flags(
        self,
        *,
        image_id: int | None = None,
        kind: str | None = None,
        author: str | None = None,
        dataset: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Flags on images, newest first; ``author`` may be `me`."""
        wanted = _given(image_id=image_id, kind=kind, author=author, dataset=dataset)
        yield from self.items(f"{API}/flags", wanted)

    def remove_flag(self, flag_id: int) -> None:
        """Take a flag away."""
        self._http.json("DELETE", f"{API}/flags/{flag_id}")

    def save_query(
        self,
        name: str,
        query: Filter | None = None,
        *,
        dataset: str | None = None,
        sort: str | None = None,
        shared: bool = False,
    ) -> dict[str, Any]:
        """Keep a filter in the JSON grammar under a name."""
        body = {"name": name, "filter": query or {}, "shared": shared}
        body |= _given(dataset=dataset, sort=sort)
        return cast(dict[str, Any], self._http.json("POST", f"{API}/queries", body=body))

    def queries(self) -> Iterator[dict[str, Any]]:
        """The caller's saved queries and those that others share, by name."""
        yield from self.items(f"{API}/queries")

    def run_query(self, query_id: str) -> Iterator[ImageSummary]:
        """Every image that a saved query finds now."""
        yield from cast(Iterator[ImageSummary], self.items(f"{API}/queries/{query_id}/run"))

    def change_query(
        self, query_id: str, *, name: str | None = None, shared: bool | None = None
    ) -> dict[str, Any]:
        """Rename a saved query of one's own, share it, or keep it to oneself."""
        body = _given(name=name, shared=shared)
        changed = self._http.json("PATCH", f"{API}/queries/{query_id}", body=body)
        return cast(dict[str, Any], changed)

    def delete_query(self, query_id: str) -> None:
        """Forget a saved query of one's own."""
        self._http.json("DELETE", f"{API}/queries/{query_id}")

    # Cohorts

    def create_cohort(self, definition: Mapping[str, Any]) -> Cohort:
        """Freeze a cohort."""
        return cast(Cohort, self._http.json("POST", f"{API}/cohorts", body=dict(definition)))

    def preview_cohort(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        """What a cohort would be."""
        path = f"{API}/cohorts/preview"
        return cast(dict[str, Any], self._http.json("POST", path, body=dict(definition)))

    def cohorts(self) -> Iterator[Cohort]:
        """All cohorts."""
        yield from cast(Iterator[Cohort], self.items(f"{API}/cohorts"))

    def cohort(self, cohort_id: str) -> Cohort:
        """One cohort."""
        return cast(Cohort, self._http.json("GET", f"{API}/cohorts/{cohort_id}"))

    def members(self, cohort_id: str) -> Iterator[Member]:
        """The images of a cohort with labels and splits."""
        yield from cast(Iterator[Member], self.items(f"{API}/cohorts/{cohort_id}/members"))

    def exports(self, cohort_id: str) -> list[dict[str, Any]]:
        """The files that a cohort can be taken out as. Needs the scope `export`."""
        return list(self.items(f"{API}/cohorts/{cohort_id}/export"))

    def export(self, cohort_id: str, name: str, target: Path) -> int:
        """Write one of them to ``target``, whole or not at all; its bytes."""
        return self._http.download(f"{API}/cohorts/{cohort_id}/export/{name}", target)

    def delete_cohort(self, cohort_id: str) -> None:
        """Delete a cohort's members; its owner may, and admins."""
        self._http.json("DELETE", f"{API}/cohorts/{cohort_id}")

    def compare_cohorts(self, a: str, b: str) -> dict[str, Any]:
        """What differs between two cohorts, and why."""
        found = self._http.json("GET", f"{API}/cohorts/compare", params={"a": a, "b": b})
        return cast(dict[str, Any], found)

    def recipes(self) -> list[dict[str, Any]]:
        """The published curations that cohorts are made by."""
        return list(self.items(f"{API}/recipes"))

    # Training

    def experiments(self) -> list[dict[str, Any]]:
        """What can be trained."""
        return list(self.items(f"{API}/experiments"))

    def submit_job(
        self,
        experiment: str,
        cohort_id: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        *,
        array: str | None = None,
        profile: str | None = None,
        protocol: str | None = None,
        name: str | None = None,
        composition: Mapping[str, Any] | None = None,
        single: bool = False,
        idempotency_key: str | None = None,
    ) -> Job:
        """Queue a job. The same ``idempotency_key`` again gives the same job.

        ``array`` names patches or a labelled array where the experiment takes no cohort;
        ``profile`` the settings to start from. ``protocol`` is `patient` unless it is `published`,
        which is for cohorts split by image and whose figures are inflated.
        ``composition`` makes it a sweep, folds or an ensemble: a job with children. ``single``
        makes it one job also where its experiment declares a composition.
        """
        body = {
            "experiment": experiment,
            "overrides": dict(overrides or {}),
            **_given(cohort_id=cohort_id, array=array, profile=profile),
            **_given(protocol=protocol, name=name, composition=composition),
            **({"composition": None} if single else {}),
        }
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
        return cast(Job, self._http.json("POST", f"{API}/jobs", body=body, headers=headers))

    def create_evaluation(
        self, scores: bytes, cohort_id: str, *, split: str | None = None, name: str | None = None
    ) -> Job:
        """Queue the evaluation of scores from elsewhere on a split of a cohort (`test`).

        ``scores`` is CSV: `image_id` or `exam_id`, and a probability for each class that sum to
        one. `Invalid.errors` names line and column of what is wrong.
        """
        params = {"cohort_id": cohort_id, **_given(split=split, name=name)}
        return cast(Job, self._http.upload(f"{API}/evaluations", params, scores, "text/csv"))

    def jobs(self, **wanted: Any) -> Iterator[Job]:
        """Jobs, newest first; ``wanted``: owner, state, experiment, model, q, archived, parent."""
        yield from cast(Iterator[Job], self.items(f"{API}/jobs", wanted))

    def compare_jobs(self, job_ids: Sequence[str]) -> dict[str, Any]:
        """Jobs side by side: settings that differ, and metrics."""
        params = {"ids": list(job_ids)}
        return cast(dict[str, Any], self._http.json("GET", f"{API}/jobs/compare", params=params))

    def change_job(self, job_id: str, **changes: Any) -> Job:
        """Change ``name``, ``archived``, ``keep`` or ``priority``."""
        return cast(Job, self._http.json("PATCH", f"{API}/jobs/{job_id}", body=changes))

    def retry_job(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again, to go on from its last epoch."""
        return cast(Job, self._http.json("POST", f"{API}/jobs/{job_id}/retry"))

    def storage(self) -> dict[str, Any]:
        """How many bytes the caller's jobs keep, and how many they may."""
        return cast(dict[str, Any], self._http.json("GET", f"{API}/jobs/storage"))

    def delete_job(self, job_id: str) -> None:
        """Delete a job that has ended, with its files."""
        self._http.json("DELETE", f"{API}/jobs/{job_id}")

    def models(self, **wanted: Any) -> Iterator[dict[str, Any]]:
        """Weights that jobs left, newest first; ``wanted``: owner, experiment, cohort_id, model."""
        yield from self.items(f"{API}/models", wanted)

    def model(self, model_id: str) -> dict[str, Any]:
        """One model with its lineage; its id is that of its job."""
        return cast(dict[str, Any], self._http.json("GET", f"{API}/models/{model_id}"))

    def predict(self, model_id: str, image_ids: Sequence[int]) -> dict[str, Any]:
        """What a model says of up to 256 images: ``predictions`` and what is ``missing``."""
        body, path = {"image_ids": list(image_ids)}, f"{API}/jobs/{model_id}/predict"
        return cast(dict[str, Any], self._http.json("POST", path, body=body))

    def predict_cohort(self, model_id: str, cohort_id: str) -> Job:
        """Queue a job that predicts every image of a cohort into `predictions.csv`."""
        path = f"{API}/jobs/{model_id}/predict/{cohort_id}"
        return cast(Job, self._http.json("POST", path))

    def workers(self) -> list[dict[str, Any]]:
        """Who trains."""
        return list(self.items(f"{API}/workers"))

    def job(self, job_id: str) -> Job:
        """One job."""
        return cast(Job, self._http.json("GET", f"{API}/jobs/{job_id}"))

    def cancel_job(self, job_id: str) -> Job:
        """Stop a job within a batch."""
        return cast(Job, self._http.json("POST", f"{API}/jobs/{job_id}/cancel"))

    def wait_for_job(
        self,
        job_id: str,
        seen: JobSeen | None = None,
        *,
        every_s: float = 1.0,
        timeout_s: float | None = None,
    ) -> Job:
        """A job that succeeded. `JobFailed` where it does not, TimeoutError where it takes longer.

        ``seen`` is told each state on the way.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            job = self.job(job_id)
            if seen:
                seen(job)
            if job["state"] == "succeeded":
                return job
            if job["state"] in FINISHED:
                raise JobFailed(job)
            if deadline and time.monotonic() > deadline:
                raise TimeoutError(f"job {job_id} is still {job['state']} after {timeout_s:g} s")
            time.sleep(every_s)

    def log(self, job_id: str, tail: int | None = None) -> list[dict[str, Any]]:
        """The last lines that a job said, oldest first: ``at``, ``level``, ``text``."""
        found = self._http.json("GET", f"{API}/jobs/{job_id}/log", params=_given(tail=tail))
        return list(found["items"])

    def artifacts(self, job_id: str) -> list[dict[str, Any]]:
        """The files that a job left."""
        return list(self.items(f"{API}/jobs/{job_id}/artifacts"))

    def artifact(self, job_id: str, name: str, target: Path) -> int:
        """Write a job's file to ``target``; its bytes. Needs the scope `export`."""
        return self._http.download(f"{API}/jobs/{job_id}/artifacts/{name}", target)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
