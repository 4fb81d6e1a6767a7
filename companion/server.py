"""What the web server is told beyond its command line."""

from typing import Any

BODY_SECONDS = 5


def pre_request(_worker: object, request: Any) -> None:
    """Let no read of a body wait longer: each of a few slow ones holds a thread that others need.

    gunicorn calls this when it has read a request's head; by itself it waits for the rest of it for ever.
    """
    request.unreader.sock.settimeout(BODY_SECONDS)
