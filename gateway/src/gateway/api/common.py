"""What the routes share: the hall behind the door, and the caller's grant."""

import uuid
from datetime import UTC, datetime
from typing import Annotated

from chassis.logs import request_id
from chassis.problems import not_found
from fastapi import Depends, Path, Request

from gateway.access import Access
from gateway.door import Hall, client_address, require_admin
from gateway.records import AuditRow


def get_hall(request: Request) -> Hall:
    """Dependency: everything that the lifespan opened."""
    hall: Hall = request.app.state.hall
    return hall


def get_access(request: Request) -> Access:
    """Dependency: the caller, as the front door found them."""
    access: Access = request.state.access
    return access


def get_admin(access: Annotated[Access, Depends(get_access)]) -> Access:
    """Dependency: the caller, who must be an admin."""
    require_admin(access)
    return access


HallOf = Annotated[Hall, Depends(get_hall)]
AccessOf = Annotated[Access, Depends(get_access)]
Admin = Annotated[Access, Depends(get_admin)]
Identifier = Annotated[str, Path(max_length=64)]


def parse_id(what: str, given: str) -> str:
    """A UUID in its usual form; a 404 where it cannot be one."""
    try:
        return str(uuid.UUID(given))
    except ValueError as error:
        raise not_found(what, given) from error


def audit_row(
    request: Request, action: str, person_id: str | None, *, status: int, about: str | None = None
) -> AuditRow:
    """A row about this request."""
    return AuditRow(
        at=datetime.now(UTC),
        person_id=person_id,
        action=action,
        object=about,
        status=status,
        address=client_address(request.scope),
        request_id=request_id(),
    )
