"""Bodies of the gateway's own API."""

from datetime import datetime
from typing import Annotated

from chassis.identity import Role
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from gateway.credentials import Scope
from gateway.passwords import MAX_LENGTH, MIN_LENGTH

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"),
    Field(examples=["ada@lab.example"]),
]
Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$"
    ),
]
Password = Annotated[str, StringConstraints(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]


class Request(BaseModel):
    """A request body: unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class SignIn(Request):
    """E-mail address and password."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=254)]
    password: Annotated[str, StringConstraints(max_length=MAX_LENGTH)]


class Setup(Request):
    """The first admin, by the one-time token that the server wrote to its log."""

    token: Annotated[str, StringConstraints(max_length=200)]
    email: Email
    name: Name
    password: Password


class PersonBrief(BaseModel):
    """Who somebody is."""

    model_config = ConfigDict(from_attributes=True)

    person_id: str
    email: str
    name: str
    role: Role


class SessionBody(BaseModel):
    """A session: its cookie is set beside this body."""

    csrf_token: str = Field(description="Send it as X-CSRF-Token with POST, PUT, PATCH and DELETE")
    expires_at: datetime
    person: PersonBrief


class AgreementBody(BaseModel):
    """A person's record for a dataset; it counts once an admin has confirmed it."""

    model_config = ConfigDict(from_attributes=True)

    dataset: str
    registration: str = Field(description="How this person is registered for the dataset")
    recorded_at: datetime
    confirmed_at: datetime | None
    confirmed_by: str | None


class Me(BaseModel):
    """The caller."""

    person: PersonBrief
    scopes: list[str]
    agreements: list[AgreementBody]
    csrf_token: str | None = Field(description="Of the session; null for an API token")
    expires_at: datetime


class AgreementRequest(Request):
    """One's own statement of being registered for a dataset."""

    dataset: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = Field(
        examples=["embed"]
    )
    registration: Name = Field(
        examples=["Ada Lovelace, registered on 2026-05-02 as ada@lab.example"]
    )


class ConfirmRequest(Request):
    """An admin's word on somebody's agreement."""

    confirmed: StrictBool


class TokenRequest(Request):
    """A new API token."""

    name: Name = Field(examples=["notebook"])
    scopes: list[Scope] = Field(default=["read", "write"], min_length=1)
    expires_in_days: int = Field(default=90, ge=1, le=366)


class TokenBody(BaseModel):
    """An API token without its secret."""

    model_config = ConfigDict(from_attributes=True)

    token_id: str
    name: str
    hint: str = Field(description="Its last four characters")
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class NewToken(TokenBody):
    """An API token with its secret, which is never shown again."""

    token: str = Field(examples=["elab_..."])


class PersonBody(PersonBrief):
    """An account, as admins see it."""

    created_at: datetime
    disabled_at: datetime | None


class PersonRequest(Request):
    """A new account. Without a password it waits for one to be set by a password link."""

    email: Email
    name: Name
    role: Role
    password: Password | None = None


class PersonChange(Request):
    """What to change of an account; what is absent stays."""

    name: Name | None = None
    role: Role | None = None
    disabled: StrictBool | None = None
    password: Password | None = None


class PasswordLink(BaseModel):
    """A link that works once. It is shown this once."""

    link: str = Field(examples=["https://embed.lab.example/welcome#..."])
    expires_at: datetime


class PasswordByLink(Request):
    """A new password, by the secret of a link (what stands behind its `#`)."""

    token: Annotated[str, StringConstraints(max_length=200)]
    password: Password


class PasswordChange(Request):
    """A new password in place of the current one."""

    current: Annotated[str, StringConstraints(max_length=MAX_LENGTH)]
    password: Password


class AuditBody(BaseModel):
    """One access, or the sum of like ones in a minute."""

    audit_id: int
    at: datetime
    person_id: str | None
    email: str | None
    action: str
    object: str | None
    status: int
    times: int
    bytes: int
    address: str | None
    request_id: str | None
