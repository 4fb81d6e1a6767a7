"""How long a code for the app lasts, and how often codes may be made and tried. Pure."""

from datetime import timedelta

CODE_LASTS = timedelta(minutes=10)
# Six digits are a million codes. 30 tries in a quarter of an hour, over all people and addresses, are 2,880 a day:
# with one code alive at a time on average, somebody who guesses all day long finds one in about 350 days.
TRIES_OF_ALL = 30
TRIES_OF_ADDRESS = 5
CODES_OF_PERSON = 5


def digits_of(typed: str) -> str:
    """The digits that somebody typed, in whichever script and grouping."""
    return "".join(str(int(character)) for character in typed if character.isdecimal())
