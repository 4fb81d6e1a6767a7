"""A client of the application with somebody signed in, as a browser of ours would send its requests."""

import re
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from companion.accounts import actions, queries
from companion.db import EVERY_CLINIC
from companion.runtime import Runtime

OURS = {"Sec-Fetch-Site": "same-origin"}


class Browser(FlaskClient):
    """Sends what a browser sends from our own pages."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """As the base class, with the header that says the request is ours."""
        kwargs["headers"] = {**OURS, **(kwargs.get("headers") or {})}
        return super().open(*args, **kwargs)

    def see_case(self, case_id: UUID) -> str:
        """Open the page of a case as a person does, whose browser then says that it is before them; the page."""
        page = str(self.get(f"/console/cases/{case_id}").data.decode())
        shown = re.search('data-opening="([^"]+)" data-mark="([^"]+)"', page)
        assert shown
        assert self.post(shown[1], data={"mark": shown[2]}).status_code == 204
        return page

    def read(self, case_page: str) -> dict[str, str]:
        """Open the page of a case, and say what its forms send along: how much of it was read."""
        mark = re.search('name="mark" value="([^"]+)"', self.get(case_page).text)
        return {"mark": mark[1]} if mark else {}


def browser(app: Flask, rt: Runtime, who: tuple[UUID, UUID] | None = None) -> Browser:
    """A browser in which (clinic, person) is signed in, or nobody."""
    app.test_client_class = Browser
    client = app.test_client()
    assert isinstance(client, Browser)
    if who:
        with rt.db.transaction(EVERY_CLINIC) as db:
            made = actions.start_sign_in(db, queries.person(db, *who), now=rt.clock())
        client.set_cookie("sign-in", made.token, domain="localhost")
    return client
