"""Accounts, for admins."""

from typing import Annotated

from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.problems import Problem, not_found, problem_responses
from fastapi import APIRouter, Path, Request

from gateway import store
from gateway.api.common import Admin, HallOf, Identifier, audit_row, parse_id
from gateway.api.schemas import (
    AgreementBody,
    ConfirmRequest,
    PersonBody,
    PersonChange,
    PersonRequest,
)
from gateway.passwords import PasswordPool

router = APIRouter(prefix="/api/v1", tags=["people"], responses=problem_responses(409))

DatasetName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


@router.get("/users")
async def list_users(
    hall: HallOf, admin: Admin, limit: Limit = 50, cursor: Cursor = None
) -> Page[PersonBody]:
    """All accounts by e-mail address."""
    position = decode_cursor(cursor, "users", 1)
    after = str(position[0]) if position else None
    async with hall.cache.database.transaction() as session:
        people, total = await store.list_people(session, after, limit + 1)
    more = len(people) > limit
    items = [PersonBody.model_validate(person) for person in people[:limit]]
    following = encode_cursor([items[-1].email.lower()], "users") if more else None
    return Page(items=items, total=total, next=following)


@router.post("/users", status_code=201)
async def create_user(
    given: PersonRequest, request: Request, hall: HallOf, admin: Admin
) -> PersonBody:
    """A new account."""
    pool: PasswordPool = request.app.state.passwords
    hashed = await pool.hash(given.password) if given.password else None
    async with hall.cache.database.transaction() as session:
        person = await store.create_person(session, given.email, given.name, given.role, hashed)
    if person is None:
        raise Problem(409, "Address taken", detail="Somebody has this e-mail address already.")
    me = admin.identity.person_id
    row = audit_row(request, "person.create", me, status=201, about=person.person_id)
    hall.audit.record(row)
    return PersonBody.model_validate(person)


@router.patch("/users/{person_id}")
async def change_user(
    person_id: Identifier, given: PersonChange, request: Request, hall: HallOf, admin: Admin
) -> PersonBody:
    """Change an account. Disabling it, or a new password, ends its sessions."""
    pool: PasswordPool = request.app.state.passwords
    key = parse_id("person", person_id)
    hashed = await pool.hash(given.password) if given.password else None
    demoted = given.disabled or (given.role is not None and given.role != "admin")
    async with hall.cache.database.transaction() as session:
        if demoted and not await store.count_other_admins(session, key):
            raise Problem(
                409, "Last admin", detail="Somebody else has to be an admin before this change."
            )
        person = await store.change_person(
            session,
            key,
            name=given.name,
            role=given.role,
            disabled=given.disabled,
            password_hash=hashed,
        )
    if person is None:
        raise not_found("person", person_id)
    hall.cache.forget()
    me = admin.identity.person_id
    hall.audit.record(audit_row(request, "person.change", me, status=200, about=key))
    return PersonBody.model_validate(person)


@router.get("/users/{person_id}/agreements")
async def list_agreements(person_id: Identifier, hall: HallOf, admin: Admin) -> Page[AgreementBody]:
    """What somebody has stated about their registrations."""
    key = parse_id("person", person_id)
    async with hall.cache.database.transaction() as session:
        if await store.find_person(session, key) is None:
            raise not_found("person", person_id)
        agreements = await store.list_agreements(session, key)
    items = [AgreementBody.model_validate(agreement) for agreement in agreements]
    return Page(items=items, total=len(items))


@router.put("/users/{person_id}/agreements/{dataset}")
async def confirm_agreement(
    person_id: Identifier,
    dataset: DatasetName,
    given: ConfirmRequest,
    request: Request,
    hall: HallOf,
    admin: Admin,
) -> AgreementBody:
    """Confirm somebody's recorded agreement, or take that back."""
    key = parse_id("person", person_id)
    me = admin.identity.person_id
    async with hall.cache.database.transaction() as session:
        kept = await store.confirm_agreement(session, key, dataset, me, confirmed=given.confirmed)
    if kept is None:
        raise not_found("agreement", f"of {person_id} for {dataset}")
    hall.cache.forget()
    action = "agreement.confirm" if given.confirmed else "agreement.withdraw"
    hall.audit.record(audit_row(request, action, me, status=200, about=f"{key} {dataset}"))
    return AgreementBody.model_validate(kept)
