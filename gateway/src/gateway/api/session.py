"""Sign-in, sign-out and the first account."""

from datetime import UTC, datetime, timedelta

from chassis.identity import Role
from chassis.problems import Problem, problem_responses
from fastapi import APIRouter, Request, Response

from gateway import store
from gateway.api.common import AccessOf, HallOf, audit_row
from gateway.api.schemas import PersonBody, PersonBrief, SessionBody, Setup, SignIn
from gateway.credentials import cookie_value, csrf_token, digest, mint_session, set_cookie
from gateway.door import Hall, client_address, refuse_other_sites
from gateway.passwords import PasswordPool
from gateway.records import Person

router = APIRouter(prefix="/api/v1", tags=["session"], responses=problem_responses(409))

FREE_FAILURES = 5
LONGEST_LOCK_S = 15 * 60


def _wrong() -> Problem:
    # One answer for an unknown address, a wrong password and a disabled account.
    return Problem(401, "Sign-in failed", detail="The e-mail address or the password is wrong.")


async def _check_password(hall: Hall, pool: PasswordPool, given: SignIn) -> Person:
    key = digest(given.email.lower())
    async with hall.cache.database.transaction() as session:
        wait = await store.locked_seconds(session, key)
        found = await store.find_by_email(session, given.email) if wait <= 0 else None
    if wait > 0:
        seconds = int(wait) + 1
        raise Problem(
            429,
            "Too many failed sign-ins",
            detail=f"Sign-in with this address is possible again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )
    person, kept = found or (None, None)
    right = await pool.verify(given.password, kept)
    async with hall.cache.database.transaction() as session:
        if not right or person is None or person.disabled_at:
            await store.record_failure(session, key, FREE_FAILURES, LONGEST_LOCK_S)
        else:
            await store.forget_failures(session, key)
            return person
    raise _wrong()


@router.post("/session")
async def create_session(
    given: SignIn, request: Request, response: Response, hall: HallOf
) -> SessionBody:
    """Sign in: a cookie for the browser and a CSRF token for what changes something."""
    refuse_other_sites(request.scope)
    hall.limiter.count(
        f"sign-in {client_address(request.scope)}", hall.settings.sign_ins_per_minute
    )
    pool: PasswordPool = request.app.state.passwords
    try:
        person = await _check_password(hall, pool, given)
    except Problem as problem:
        hall.audit.record(audit_row(request, "session.refused", None, status=problem.status))
        raise
    secret = mint_session()
    life = timedelta(days=hall.settings.session_days)
    async with hall.cache.database.transaction() as session:
        await store.create_session(
            session, digest(secret), person.person_id, life, client_address(request.scope)
        )
    hall.audit.record(audit_row(request, "session.create", person.person_id, status=200))
    response.headers["Set-Cookie"] = set_cookie(
        secret, int(life.total_seconds()), secure=hall.settings.secure
    )
    response.headers["Cache-Control"] = "no-store"
    return SessionBody(
        csrf_token=csrf_token(secret),
        expires_at=datetime.now(UTC) + life,
        person=PersonBrief.model_validate(person),
    )


@router.delete("/session", status_code=204)
async def delete_session(
    request: Request, response: Response, hall: HallOf, access: AccessOf
) -> None:
    """Sign out."""
    secret = cookie_value(request.headers.get("cookie"))
    if access.grant.via != "session" or secret is None:
        raise Problem(
            409, "No session", detail="An API token is ended with DELETE /api/v1/tokens/{token_id}."
        )
    async with hall.cache.database.transaction() as session:
        await store.end_session(session, digest(secret))
    hall.cache.forget()
    person_id = access.identity.person_id
    hall.audit.record(audit_row(request, "session.delete", person_id, status=204))
    response.headers["Set-Cookie"] = set_cookie("", 0, secure=hall.settings.secure)


@router.post("/setup", status_code=201)
async def create_first_admin(given: Setup, request: Request, hall: HallOf) -> PersonBody:
    """Create the first account, an admin, with the token from the server's log."""
    refuse_other_sites(request.scope)
    hall.limiter.count(
        f"sign-in {client_address(request.scope)}", hall.settings.sign_ins_per_minute
    )
    pool: PasswordPool = request.app.state.passwords
    hashed = await pool.hash(given.password)
    role: Role = "admin"
    async with hall.cache.database.transaction() as session:
        person = None
        if await store.spend_invitation(session, digest(given.token)):
            person = await store.create_person(session, given.email, given.name, role, hashed)
    if person is None:
        raise Problem(
            403, "Setup token not valid", detail="It is used up or expired; restart the gateway."
        )
    hall.audit.record(audit_row(request, "person.setup", person.person_id, status=201))
    return PersonBody.model_validate(person)
