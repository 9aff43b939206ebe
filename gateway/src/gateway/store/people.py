"""People and what they state about their registrations."""

# ruff: noqa: S608 - only constants of this package are put into statements; values are bound.

from chassis.identity import Role
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.records import Agreement, Person
from gateway.store.common import PERSON, fetch_all, fetch_one, to_person


async def create_person(
    session: AsyncSession, email: str, name: str, role: Role, password_hash: str | None
) -> Person | None:
    """A new person; None where the e-mail address is taken."""
    sql = f"""
    insert into gateway.person as p (email, name, role, password_hash)
    values (:email, :name, :role, :hash) on conflict (lower(email)) do nothing
    returning {PERSON}
    """
    row = await fetch_one(session, sql, email=email, name=name, role=role, hash=password_hash)
    return to_person(row) if row else None


async def find_person(session: AsyncSession, person_id: str) -> Person | None:
    """A person by id."""
    sql = f"select {PERSON} from gateway.person p where person_id = cast(:id as uuid)"
    row = await fetch_one(session, sql, id=person_id)
    return to_person(row) if row else None


async def find_by_email(session: AsyncSession, email: str) -> tuple[Person, str | None] | None:
    """A person and their password hash, if they have set a password."""
    sql = f"""
    select {PERSON}, p.password_hash
    from gateway.person p where lower(email) = lower(:email)
    """
    row = await fetch_one(session, sql, email=email)
    return (to_person(row), row["password_hash"]) if row else None


async def list_people(
    session: AsyncSession, after: str | None, limit: int
) -> tuple[list[Person], int]:
    """A page of people by e-mail address, and how many there are."""
    sql = f"""
    select {PERSON} from gateway.person p
    where cast(:after as text) is null or lower(email) > :after order by lower(email) limit :limit
    """
    rows = await fetch_all(session, sql, after=after, limit=limit)
    return [to_person(row) for row in rows], await count_people(session)


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
    where person_id = cast(:id as uuid) returning {PERSON}
    """
    row = await fetch_one(
        session, sql, id=person_id, name=name, role=role, hash=password_hash, disabled=disabled
    )
    if row and (disabled or password_hash):
        ended = "delete from gateway.session where person_id = cast(:id as uuid)"
        await session.execute(text(ended), {"id": person_id})
    return to_person(row) if row else None


async def count_other_admins(session: AsyncSession, person_id: str) -> int:
    """Admins who can still sign in, ``person_id`` apart; the rows are locked against a race."""
    sql = """
    select count(*) from (select 1 from gateway.person
        where role = 'admin' and disabled_at is null and person_id <> cast(:id as uuid)
        for update) others
    """
    return int(await session.scalar(text(sql), {"id": person_id}) or 0)


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
    row = await fetch_one(session, sql, id=person_id, dataset=dataset, registration=registration)
    assert row is not None
    return Agreement(**row)


async def list_agreements(session: AsyncSession, person_id: str) -> list[Agreement]:
    """A person's agreements."""
    sql = """
    select dataset, registration, recorded_at, confirmed_at, confirmed_by::text
    from gateway.agreement where person_id = cast(:id as uuid) order by dataset
    """
    return [Agreement(**row) for row in await fetch_all(session, sql, id=person_id)]


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
    row = await fetch_one(
        session, sql, id=person_id, dataset=dataset, admin=admin_id, confirmed=confirmed
    )
    return Agreement(**row) if row else None
