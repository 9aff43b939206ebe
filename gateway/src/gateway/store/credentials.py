"""What people sign in with: passwords, sessions, API tokens and one-time links."""

# ruff: noqa: S608 - only constants of this package are put into statements; values are bound.

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.records import Grant, Token
from gateway.store.common import PERSON, changes, fetch_all, fetch_one, to_person

_key_columns = (
    "t.token_id::text, t.person_id::text, t.name, t.hint, t.scopes, t.created_at, t.expires_at, "
    "t.used_at, t.revoked_at"
)
_agreements = """
array(select a.dataset from gateway.agreement a
      where a.person_id = p.person_id and a.confirmed_at is not null) as agreements
"""


async def locked_seconds(session: AsyncSession, key: bytes) -> float:
    """How long sign-in with an e-mail address is still refused (seconds; 0: not)."""
    sql = """
    select extract(epoch from locked_until - now()) from gateway.sign_in_failure where digest = :key
    """
    return max(0.0, float(await session.scalar(text(sql), {"key": key}) or 0))


async def record_failure(session: AsyncSession, key: bytes, free: int, longest_s: int) -> None:
    """Count a failed sign-in: after ``free`` of them each doubles the wait, up to ``longest_s``."""
    sql = """
    insert into gateway.sign_in_failure as f (digest, failures) values (:key, 1)
    on conflict (digest) do update set
        failures = f.failures + 1, last_at = now(),
        locked_until = case when f.failures + 1 > :free
            then now() + least(:longest, 2 ^ least(f.failures - :free, 20)) * interval '1 second'
            else f.locked_until end
    """
    await session.execute(text(sql), {"key": key, "free": free, "longest": longest_s})
    stale = "delete from gateway.sign_in_failure where last_at < now() - interval '1 day'"
    await session.execute(text(stale))


async def forget_failures(session: AsyncSession, key: bytes) -> None:
    """A successful sign-in starts the count anew."""
    await session.execute(
        text("delete from gateway.sign_in_failure where digest = :key"), {"key": key}
    )


async def create_session(
    session: AsyncSession, key: bytes, person_id: str, life: timedelta, address: str | None
) -> None:
    """A new session, and an end to the expired ones."""
    sql = """
    insert into gateway.session (digest, person_id, expires_at, address)
    values (:key, cast(:id as uuid), now() + cast(:life as interval), :address)
    """
    await session.execute(
        text(sql), {"key": key, "id": person_id, "life": life, "address": address}
    )
    await session.execute(text("delete from gateway.session where expires_at < now()"))


async def end_session(session: AsyncSession, key: bytes) -> None:
    """Sign out."""
    await session.execute(text("delete from gateway.session where digest = :key"), {"key": key})


async def find_session(session: AsyncSession, key: bytes, idle: timedelta) -> Grant | None:
    """Who a session cookie stands for, if it is valid; notes that it was used."""
    sql = f"""
    with used as (
        update gateway.session set seen_at = now()
        where digest = :key and seen_at < now() - interval '1 minute'
          and seen_at > now() - cast(:idle as interval) and expires_at > now()
    )
    select {PERSON}, s.expires_at, {_agreements}
    from gateway.session s join gateway.person p using (person_id)
    where s.digest = :key and s.expires_at > now() and s.seen_at > now() - cast(:idle as interval)
      and p.disabled_at is null
    """
    row = await fetch_one(session, sql, key=key, idle=idle)
    if row is None:
        return None
    agreements = frozenset(row["agreements"])
    return Grant("session", to_person(row), agreements, None, row["expires_at"])


async def create_token(
    session: AsyncSession,
    key: bytes,
    person_id: str,
    name: str,
    hint: str,
    scopes: Sequence[str],
    life: timedelta,
) -> Token:
    """A new API token."""
    sql = f"""
    insert into gateway.token as t (digest, person_id, name, hint, scopes, expires_at)
    values (:key, cast(:id as uuid), :name, :hint, :scopes, now() + cast(:life as interval))
    returning {_key_columns}
    """
    row = await fetch_one(
        session, sql, key=key, id=person_id, name=name, hint=hint, scopes=list(scopes), life=life
    )
    assert row is not None
    return Token(**row)


async def list_tokens(session: AsyncSession, person_id: str) -> list[Token]:
    """A person's tokens that are neither revoked nor long expired, newest first."""
    sql = f"""
    select {_key_columns} from gateway.token t where person_id = cast(:id as uuid)
      and revoked_at is null and expires_at > now() - interval '30 days' order by created_at desc
    """
    return [Token(**row) for row in await fetch_all(session, sql, id=person_id)]


async def revoke_token(session: AsyncSession, token_id: str, person_id: str) -> bool:
    """End a token of ``person_id``; False where they have no such token."""
    sql = """
    update gateway.token set revoked_at = now() where token_id = cast(:token as uuid)
      and person_id = cast(:id as uuid) and revoked_at is null
    """
    return await changes(session, sql, token=token_id, id=person_id)


async def find_token(session: AsyncSession, key: bytes) -> Grant | None:
    """Who an API token stands for, if it is valid; notes that it was used."""
    sql = f"""
    with used as (
        update gateway.token set used_at = now()
        where digest = :key and coalesce(used_at, '-infinity') < now() - interval '1 minute'
    )
    select {PERSON}, t.token_id::text, t.scopes, t.expires_at, {_agreements}
    from gateway.token t join gateway.person p using (person_id)
    where t.digest = :key and t.expires_at > now() and t.revoked_at is null
      and p.disabled_at is null
    """
    row = await fetch_one(session, sql, key=key)
    if row is None:
        return None
    return Grant(
        "token",
        to_person(row),
        frozenset(row["agreements"]),
        frozenset(row["scopes"]),
        row["expires_at"],
        row["token_id"],
    )


async def create_password_link(
    session: AsyncSession, key: bytes, person_id: str, life: timedelta
) -> None:
    """A link for a person, in place of the ones before."""
    former = "delete from gateway.password_link where person_id = cast(:id as uuid)"
    await session.execute(text(former), {"id": person_id})
    sql = """
    insert into gateway.password_link (digest, person_id, expires_at)
    values (:key, cast(:id as uuid), now() + cast(:life as interval))
    """
    await session.execute(text(sql), {"key": key, "id": person_id, "life": life})


async def spend_password_link(session: AsyncSession, key: bytes) -> str | None:
    """Use a link up: whose it was; None where it is not valid (any more)."""
    sql = """
    delete from gateway.password_link l using gateway.person p
    where l.digest = :key and l.person_id = p.person_id and l.expires_at > now()
      and p.disabled_at is null
    returning l.person_id::text
    """
    person_id: str | None = await session.scalar(text(sql), {"key": key})
    return person_id


async def invite_first_admin(session: AsyncSession, key: bytes, life: timedelta) -> bool:
    """Keep a setup token if nobody has an account yet; False where somebody has."""
    sql = """
    insert into gateway.invitation (digest, purpose, expires_at)
    select :key, 'setup', now() + cast(:life as interval)
    where not exists (select from gateway.person)
    """
    return await changes(session, sql, key=key, life=life)


async def spend_invitation(session: AsyncSession, key: bytes) -> bool:
    """Use a setup token up, and every other with it; False where it is not valid any more."""
    # Two first admins at once: the second waits here, then finds a person.
    await session.execute(text("lock table gateway.invitation in exclusive mode"))
    sql = """
    select 1 from gateway.invitation where digest = :key and expires_at > now()
      and not exists (select from gateway.person)
    """
    valid = await session.scalar(text(sql), {"key": key})
    if valid:
        await session.execute(text("delete from gateway.invitation"))
    return bool(valid)
