"""All SQL of the gateway. Each function runs in the caller's transaction."""

# ruff: noqa: S608 - only constants of this module are put into statements; values are bound.

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from chassis.identity import Role
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.records import Agreement, AuditRow, Grant, Person, Token

_person_columns = "p.person_id::text, p.email, p.name, p.role, p.created_at, p.disabled_at"
_key_columns = (
    "t.token_id::text, t.person_id::text, t.name, t.hint, t.scopes, t.created_at, t.expires_at, "
    "t.used_at, t.revoked_at"
)
_agreements = """
array(select a.dataset from gateway.agreement a
      where a.person_id = p.person_id and a.confirmed_at is not null) as agreements
"""


async def _rows(session: AsyncSession, sql: str, **given: Any) -> Sequence[RowMapping]:
    return (await session.execute(text(sql), given)).mappings().all()


async def _row(session: AsyncSession, sql: str, **given: Any) -> RowMapping | None:
    return (await session.execute(text(sql), given)).mappings().one_or_none()


async def _changed(session: AsyncSession, sql: str, **given: Any) -> bool:
    return bool((await session.execute(text(f"{sql} returning 1"), given)).first())


def _to_person(row: RowMapping) -> Person:
    names = ("person_id", "email", "name", "role", "created_at", "disabled_at")
    return Person(**{name: row[name] for name in names})


# People


async def create_person(
    session: AsyncSession, email: str, name: str, role: Role, password_hash: str
) -> Person | None:
    """A new person; None where the e-mail address is taken."""
    sql = f"""
    insert into gateway.person as p (email, name, role, password_hash)
    values (:email, :name, :role, :hash) on conflict (lower(email)) do nothing
    returning {_person_columns}
    """
    row = await _row(session, sql, email=email, name=name, role=role, hash=password_hash)
    return _to_person(row) if row else None


async def find_person(session: AsyncSession, person_id: str) -> Person | None:
    """A person by id."""
    sql = f"select {_person_columns} from gateway.person p where person_id = cast(:id as uuid)"
    row = await _row(session, sql, id=person_id)
    return _to_person(row) if row else None


async def find_by_email(session: AsyncSession, email: str) -> tuple[Person, str] | None:
    """A person and their password hash."""
    sql = f"""
    select {_person_columns}, p.password_hash
    from gateway.person p where lower(email) = lower(:email)
    """
    row = await _row(session, sql, email=email)
    return (_to_person(row), row["password_hash"]) if row else None


async def list_people(
    session: AsyncSession, after: str | None, limit: int
) -> tuple[list[Person], int]:
    """A page of people by e-mail address, and how many there are."""
    sql = f"""
    select {_person_columns} from gateway.person p
    where cast(:after as text) is null or lower(email) > :after order by lower(email) limit :limit
    """
    rows = await _rows(session, sql, after=after, limit=limit)
    return [_to_person(row) for row in rows], await count_people(session)


async def count_people(session: AsyncSession) -> int:
    """How many people there are."""
    return int(await session.scalar(text("select count(*) from gateway.person")) or 0)


async def change_person(
    session: AsyncSession,
    person_id: str,
    *,
    name: str | None = None,
    role: Role | None = None,
    disabled: bool | None = None,
    password_hash: str | None = None,
) -> Person | None:
    """Change what is not None; a disabled person or a new password ends every session."""
    sql = f"""
    update gateway.person p set
        name = coalesce(:name, name), role = coalesce(:role, role),
        password_hash = coalesce(:hash, password_hash),
        disabled_at = case when cast(:disabled as boolean) is null then disabled_at
                           when :disabled then coalesce(disabled_at, now()) end
    where person_id = cast(:id as uuid) returning {_person_columns}
    """
    row = await _row(
        session, sql, id=person_id, name=name, role=role, hash=password_hash, disabled=disabled
    )
    if row and (disabled or password_hash):
        ended = "delete from gateway.session where person_id = cast(:id as uuid)"
        await session.execute(text(ended), {"id": person_id})
    return _to_person(row) if row else None


async def count_other_admins(session: AsyncSession, person_id: str) -> int:
    """Admins who can still sign in, ``person_id`` apart; the rows are locked against a race."""
    sql = """
    select count(*) from (select 1 from gateway.person
        where role = 'admin' and disabled_at is null and person_id <> cast(:id as uuid)
        for update) others
    """
    return int(await session.scalar(text(sql), {"id": person_id}) or 0)


# Sign-in


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
    select {_person_columns}, s.expires_at, {_agreements}
    from gateway.session s join gateway.person p using (person_id)
    where s.digest = :key and s.expires_at > now() and s.seen_at > now() - cast(:idle as interval)
      and p.disabled_at is null
    """
    row = await _row(session, sql, key=key, idle=idle)
    if row is None:
        return None
    agreements = frozenset(row["agreements"])
    return Grant("session", _to_person(row), agreements, None, row["expires_at"])


# API tokens


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
    row = await _row(
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
    return [Token(**row) for row in await _rows(session, sql, id=person_id)]


async def revoke_token(session: AsyncSession, token_id: str, person_id: str) -> bool:
    """End a token of ``person_id``; False where they have no such token."""
    sql = """
    update gateway.token set revoked_at = now() where token_id = cast(:token as uuid)
      and person_id = cast(:id as uuid) and revoked_at is null
    """
    return await _changed(session, sql, token=token_id, id=person_id)


async def find_token(session: AsyncSession, key: bytes) -> Grant | None:
    """Who an API token stands for, if it is valid; notes that it was used."""
    sql = f"""
    with used as (
        update gateway.token set used_at = now()
        where digest = :key and coalesce(used_at, '-infinity') < now() - interval '1 minute'
    )
    select {_person_columns}, t.token_id::text, t.scopes, t.expires_at, {_agreements}
    from gateway.token t join gateway.person p using (person_id)
    where t.digest = :key and t.expires_at > now() and t.revoked_at is null
      and p.disabled_at is null
    """
    row = await _row(session, sql, key=key)
    if row is None:
        return None
    return Grant(
        "token",
        _to_person(row),
        frozenset(row["agreements"]),
        frozenset(row["scopes"]),
        row["expires_at"],
        row["token_id"],
    )


# Agreements


async def record_agreement(
    session: AsyncSession, person_id: str, dataset: str, registration: str
) -> Agreement:
    """A person's own statement; a changed one must be confirmed again."""
    sql = """
    insert into gateway.agreement as a (person_id, dataset, registration)
    values (cast(:id as uuid), :dataset, :registration)
    on conflict (person_id, dataset) do update set
        registration = excluded.registration, recorded_at = now(),
        confirmed_at = case when a.registration = excluded.registration then a.confirmed_at end,
        confirmed_by = case when a.registration = excluded.registration then a.confirmed_by end
    returning dataset, registration, recorded_at, confirmed_at, confirmed_by::text
    """
    row = await _row(session, sql, id=person_id, dataset=dataset, registration=registration)
    assert row is not None
    return Agreement(**row)


async def list_agreements(session: AsyncSession, person_id: str) -> list[Agreement]:
    """A person's agreements."""
    sql = """
    select dataset, registration, recorded_at, confirmed_at, confirmed_by::text
    from gateway.agreement where person_id = cast(:id as uuid) order by dataset
    """
    return [Agreement(**row) for row in await _rows(session, sql, id=person_id)]


async def confirm_agreement(
    session: AsyncSession, person_id: str, dataset: str, admin_id: str, *, confirmed: bool
) -> Agreement | None:
    """Confirm a recorded agreement, or take the confirmation back."""
    sql = """
    update gateway.agreement set
        confirmed_at = case when :confirmed then coalesce(confirmed_at, now()) end,
        confirmed_by = case when :confirmed then cast(:admin as uuid) end
    where person_id = cast(:id as uuid) and dataset = :dataset
    returning dataset, registration, recorded_at, confirmed_at, confirmed_by::text
    """
    row = await _row(
        session, sql, id=person_id, dataset=dataset, admin=admin_id, confirmed=confirmed
    )
    return Agreement(**row) if row else None


# First start


async def invite_first_admin(session: AsyncSession, key: bytes, life: timedelta) -> bool:
    """Keep a setup token if nobody has an account yet; False where somebody has."""
    sql = """
    insert into gateway.invitation (digest, purpose, expires_at)
    select :key, 'setup', now() + cast(:life as interval)
    where not exists (select from gateway.person)
    """
    return await _changed(session, sql, key=key, life=life)


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


# Audit


async def append_audit(session: AsyncSession, rows: Sequence[AuditRow]) -> None:
    """Append to the audit log."""
    sql = """
    insert into gateway.audit
        (at, person_id, action, object, status, times, bytes, address, request_id)
    values (:at, cast(:person_id as uuid), :action, :object, :status, :times, :bytes, :address,
            :request_id)
    """
    await session.execute(text(sql), [asdict(row) for row in rows])


async def list_audit(
    session: AsyncSession,
    *,
    person_id: str | None,
    action: str | None,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    limit: int,
) -> tuple[list[RowMapping], int]:
    """A page of the audit log, newest first, and how many rows match."""
    where = """
    (cast(:person as uuid) is null or a.person_id = cast(:person as uuid))
    and (cast(:action as text) is null or action = :action)
    and (cast(:since as timestamptz) is null or at >= :since)
    and (cast(:until as timestamptz) is null or at < :until)
    """
    given = {"person": person_id, "action": action, "since": since, "until": until}
    sql = f"""
    select audit_id, at, a.person_id::text, p.email, action, object, status, times, bytes, address,
           request_id
    from gateway.audit a left join gateway.person p using (person_id)
    where {where} and (cast(:before as bigint) is null or audit_id < :before)
    order by audit_id desc limit :limit
    """
    rows = await _rows(session, sql, before=before, limit=limit, **given)
    total = await session.scalar(text(f"select count(*) from gateway.audit a where {where}"), given)
    return list(rows), int(total or 0)
