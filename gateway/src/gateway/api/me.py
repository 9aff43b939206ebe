"""The caller: who they are, their agreements, their API tokens."""

from datetime import timedelta

from chassis.pages import Page
from chassis.problems import Problem, not_found
from fastapi import APIRouter, Request, Response

from gateway import store
from gateway.access import Access
from gateway.api.common import AccessOf, HallOf, Identifier, audit_row, parse_id
from gateway.api.schemas import (
    AgreementBody,
    AgreementRequest,
    Me,
    NewToken,
    PersonBrief,
    TokenBody,
    TokenRequest,
)
from gateway.credentials import cookie_value, csrf_token, digest, mint_token

router = APIRouter(prefix="/api/v1", tags=["me"])


def _require_session(access: Access) -> None:
    """A token must not mint further tokens, or a leaked one could outlive its revocation."""
    if access.grant.via != "session":
        raise Problem(403, "Session needed", detail="Sign in with a password to create API tokens.")


@router.get("/me")
async def retrieve_me(request: Request, response: Response, hall: HallOf, access: AccessOf) -> Me:
    """Who is signed in, with the CSRF token of the session."""
    async with hall.cache.database.transaction() as session:
        agreements = await store.list_agreements(session, access.identity.person_id)
    secret = cookie_value(request.headers.get("cookie"))
    response.headers["Cache-Control"] = "no-store"
    return Me(
        person=PersonBrief.model_validate(access.grant.person),
        scopes=sorted(access.identity.scopes),
        agreements=[AgreementBody.model_validate(agreement) for agreement in agreements],
        csrf_token=csrf_token(secret) if secret and access.grant.via == "session" else None,
        expires_at=access.grant.expires_at,
    )


@router.put("/me/agreement")
async def record_agreement(
    given: AgreementRequest, request: Request, hall: HallOf, access: AccessOf
) -> AgreementBody:
    """State that you are registered for a dataset. An admin has to confirm it."""
    person_id = access.identity.person_id
    async with hall.cache.database.transaction() as session:
        kept = await store.record_agreement(session, person_id, given.dataset, given.registration)
    hall.cache.forget()
    row = audit_row(request, "agreement.record", person_id, status=200, about=given.dataset)
    hall.audit.record(row)
    return AgreementBody.model_validate(kept)


@router.get("/tokens")
async def list_tokens(hall: HallOf, access: AccessOf) -> Page[TokenBody]:
    """Your API tokens."""
    async with hall.cache.database.transaction() as session:
        tokens = await store.list_tokens(session, access.identity.person_id)
    items = [TokenBody.model_validate(token) for token in tokens]
    return Page(items=items, total=len(items))


@router.post("/tokens", status_code=201)
async def create_token(
    given: TokenRequest, request: Request, response: Response, hall: HallOf, access: AccessOf
) -> NewToken:
    """A new API token; its secret is shown this once."""
    _require_session(access)
    secret = mint_token()
    person_id = access.identity.person_id
    async with hall.cache.database.transaction() as session:
        token = await store.create_token(
            session,
            digest(secret),
            person_id,
            given.name,
            secret[-4:],
            sorted(set(given.scopes)),
            timedelta(days=given.expires_in_days),
        )
    row = audit_row(request, "token.create", person_id, status=201, about=token.token_id)
    hall.audit.record(row)
    response.headers["Cache-Control"] = "no-store"
    return NewToken(**TokenBody.model_validate(token).model_dump(), token=secret)


@router.delete("/tokens/{token_id}", status_code=204)
async def revoke_token(
    token_id: Identifier, request: Request, hall: HallOf, access: AccessOf
) -> None:
    """End one of your API tokens, also by itself."""
    person_id = access.identity.person_id
    key = parse_id("token", token_id)
    async with hall.cache.database.transaction() as session:
        if not await store.revoke_token(session, key, person_id):
            raise not_found("token", token_id)
    hall.cache.forget()
    hall.audit.record(audit_row(request, "token.revoke", person_id, status=204, about=key))
