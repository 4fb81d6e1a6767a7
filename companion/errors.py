"""What can go wrong in words the edges understand; `web.pages` maps each to one status."""

from collections.abc import Mapping


class CompanionError(Exception):
    """Base of all errors that a person is told about.

    `text` is a marked sentence for people without health data, `params` fills its %(places)s; the edge translates it.
    """

    status = 500
    code = "error"

    def __init__(self, text: str = "", **params: str | int) -> None:
        super().__init__(text % params if params else text)
        self.text, self.params = text, params


class Malformed(CompanionError):
    """The request cannot be read at all."""

    status, code = 400, "malformed"


class SignInNeeded(CompanionError):
    """Nobody is signed in, or the sign-in has ended."""

    status, code = 401, "sign_in"


class NotAllowed(CompanionError):
    """The signed-in person may not do this."""

    status, code = 403, "not_allowed"


class OtherPerson(NotAllowed):
    """The entry belongs to another person than the one signed in on this phone."""

    code = "other_person"


class NotFound(CompanionError):
    """There is no such thing for this person; whether it exists elsewhere is not told."""

    status, code = 404, "not_found"


class Conflict(CompanionError):
    """Somebody else was first, or the same id holds something else."""

    status, code = 409, "conflict"


class Invalid(CompanionError):
    """Outside data that was read and refused; `fields` maps a field's path to a sentence."""

    status, code = 422, "invalid"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("")
        self.fields = dict(fields)


class TooMany(CompanionError):
    """Too many tries; wait `retry_after_seconds`."""

    status, code = 429, "too_many"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class Busy(CompanionError):
    """The database could not be written in time; nothing was changed and the same request may be sent again."""

    status, code = 503, "busy"
    retry_after_seconds = 5


class Misconfigured(CompanionError):
    """The installation cannot start; its text is one sentence for the operator."""
