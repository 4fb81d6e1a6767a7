"""What a push says: few generic lines. The lock screen names no person, clinic, treatment, area or result. Pure."""

from dataclasses import dataclass

from companion.languages import N_


@dataclass(frozen=True, slots=True)
class Wording:
    """Title and body of a notification."""

    title: str
    body: str


TITLE = "Aftercare Companion"
BODIES = {
    "case_alert": N_("Somebody needs an answer. Open the app."),
    "case_taken": N_("Your message has been read. Open the app."),
    "case_unanswered": N_("Nobody has answered yet. Open the app to see whom to call."),
    "case_late": N_("No answer yet, and the time is nearly up. Open the app to see whom to call."),
    "case_handed": N_("A colleague asks you to take over. Open the app."),
    "case_left": N_("Something that you began is not finished. Open the app."),
    "judged_again": N_("We have looked at your answers again. Open the app."),
    "coverage": N_("An alert may reach nobody. Open the app to see why."),
    "duty_changed": N_("Your duty has changed. Open the app."),
    "fallback_test": N_("Open this link to show that this way of telling you works."),
    "check_in_due": N_("Time for your check-in."),
    "visit_reminder": N_("You have an appointment soon."),
    "visit_moved": N_("An appointment has changed. Open the app."),
    "test": N_("This device works."),
    "device_check": N_("Test of the month: alerts reach this device. There is nothing to do."),
}

SEVERAL = N_("%(count)s people need an answer. Open the app.")


def wording(kind: str) -> Wording:
    """The words of a kind of message; KeyError for a kind that nobody knows."""
    return Wording(TITLE, BODIES[kind])
