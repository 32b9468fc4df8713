"""Guard: lets a request pass to its route, or refuses it, by `Access`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import HTTPException, Request

from stream.access import Access, presented_token
from stream.problems import FOREIGN_SITE, UNAUTHORISED

Check = Callable[[Request], None]
"""A dependency of a route: returns, or raises 403 or 401."""
GUARDED: Final = (401, 403)
"""What a guarded route may answer besides its own."""


def guard(access: Access, allows: Callable[[str | None, Request], bool]) -> Check:
    """A check that `allows` the token shown, from a site that may ask at all."""

    def check(request: Request) -> None:
        if not access.may_come_from(request.headers):
            raise HTTPException(403, FOREIGN_SITE)
        if not allows(presented_token(request.headers), request):
            raise HTTPException(401, UNAUTHORISED, {"WWW-Authenticate": "Bearer"})

    return check
