"""Passwords: one's own, and the one-time links by which an admin invites and resets."""

from datetime import UTC, datetime, timedelta

from chassis.problems import Problem, not_found, problem_responses
from fastapi import APIRouter, Request, Response

from gateway import store
from gateway.api.common import AccessOf, Admin, HallOf, Identifier, audit_row, parse_id
from gateway.api.schemas import PasswordByLink, PasswordChange, PasswordLink
from gateway.credentials import digest, mint_session
from gateway.door import client_address, refuse_other_sites
from gateway.passwords import PasswordPool

router = APIRouter(prefix="/api/v1", tags=["people"], responses=problem_responses(409))

LINK_LIFE = timedelta(days=3)


@router.post("/users/{person_id}/password-link", status_code=201)
async def create_password_link(
    person_id: Identifier, request: Request, response: Response, hall: HallOf, admin: Admin
) -> PasswordLink:
    """A link with which somebody sets a password: their first, or a new one. The last one counts.

    The secret stands behind `#`, which browsers send to nobody: it reaches no log.
    """
    key = parse_id("person", person_id)
    secret = mint_session()
    async with hall.cache.database.transaction() as session:
        person = await store.find_person(session, key)
        if person is None:
            raise not_found("person", person_id)
        if person.disabled_at:
            raise Problem(409, "Account disabled", detail="Enable the account before inviting.")
        await store.create_password_link(session, digest(secret), key, LINK_LIFE)
    me = admin.identity.person_id
    hall.audit.record(audit_row(request, "password.link", me, status=201, about=key))
    response.headers["Cache-Control"] = "no-store"
    base = (hall.settings.public_url or "").rstrip("/")
    return PasswordLink(link=f"{base}/welcome#{secret}", expires_at=datetime.now(UTC) + LINK_LIFE)


@router.put("/password", status_code=204)
async def set_password_by_link(given: PasswordByLink, request: Request, hall: HallOf) -> None:
    """Set a password by a link's secret. It ends the link and every session of the person."""
    refuse_other_sites(request.scope)
    hall.limiter.count(
        f"sign-in {client_address(request.scope)}", hall.settings.sign_ins_per_minute
    )
    pool: PasswordPool = request.app.state.passwords
    hashed = await pool.hash(given.password)
    async with hall.cache.database.transaction() as session:
        person_id = await store.spend_password_link(session, digest(given.token))
        if person_id:
            person = await store.change_person(session, person_id, password_hash=hashed)
            assert person is not None
            await store.forget_failures(session, digest(person.email.lower()))
    if person_id is None:
        hall.audit.record(audit_row(request, "password.refused", None, status=403))
        raise Problem(
            403, "Link not valid", detail="It is used up or expired. Ask an admin for another."
        )
    hall.cache.forget()
    hall.audit.record(audit_row(request, "password.set", person_id, status=204))


@router.put("/me/password", status_code=204)
async def change_password(
    given: PasswordChange, request: Request, hall: HallOf, access: AccessOf
) -> None:
    """Change one's own password; every session ends, this one too."""
    if access.grant.via != "session":
        raise Problem(403, "Session needed", detail="A token cannot change a password.")
    person = access.grant.person
    hall.limiter.count(f"sign-in {person.person_id}", hall.settings.sign_ins_per_minute)
    pool: PasswordPool = request.app.state.passwords
    async with hall.cache.database.transaction() as session:
        found = await store.find_by_email(session, person.email)
    if found is None or not await pool.verify(given.current, found[1]):
        raise Problem(403, "Wrong password", detail="The current password is not this one.")
    hashed = await pool.hash(given.password)
    async with hall.cache.database.transaction() as session:
        await store.change_person(session, person.person_id, password_hash=hashed)
    hall.cache.forget()
    hall.audit.record(audit_row(request, "password.set", person.person_id, status=204))
