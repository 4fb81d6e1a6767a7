"""What a patient reads: the check-in's questions, and the advice. Pure: marks for the catalogue."""

from dataclasses import dataclass

from companion.languages import N_


@dataclass(frozen=True, slots=True)
class Advice:
    """A heading and what to do; `must_call` puts the numbers first."""

    heading: str
    sentence: str
    must_call: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that triage could not judge, as the nurse and the patient read it."""

    nurse: str
    patient: str


SYMPTOMS = {
    "swelling": N_("Swelling"),
    "bruising": N_("Bruising"),
    "redness": N_("Redness, or skin that is darker or purple"),
    "pain": N_("Pain or soreness"),
    "itch": N_("Itch"),
    "bumps": N_("Bumps or firm spots"),
    "numbness": N_("Numb skin"),
}
ANCHORS = (
    (0, N_("None"), ""),
    (1, N_("A little"), N_("I notice it, it does not bother me")),
    (2, N_("Moderate"), N_("It bothers me")),
    (3, N_("Severe"), N_("It stops me doing things I usually do")),
    (4, N_("Very severe"), N_("The worst I can imagine")),
)
GRADES = {grade: label for grade, label, _ in ANCHORS}
ADVICE = {
    "emergency": Advice(
        N_("Call the emergency number now"),
        N_("What you told us can be serious. Do not wait for an answer in this app."),
        must_call=True,
    ),
    "clinic_urgent_1h": Advice(
        N_("Call your clinic now"),
        N_("It is with your clinic. Call as well, now. If nobody answers, call the emergency number."),
        must_call=True,
    ),
    "clinic_same_day": Advice(
        N_("Your clinic will get back to you"),
        N_("If it gets worse before that, call. Do not wait."),
    ),
    "clinic_routine": Advice(
        N_("Your clinic will look at this"),
        N_("If it gets worse, check in again or call."),
    ),
    "self_care": Advice(
        N_("This is within what is expected at this time"),
        N_("If it gets worse, or you are worried, check in again or call your clinic."),
    ),
}
# What could not be judged, by the code before the colon; after it stands the area.
LEFT_OUT = {
    "temperature_implausible": LeftOut(
        N_("The temperature cannot be right. It was not used: ask for a new reading"),
        N_("The temperature cannot be right. It was not used: measure again, and check in again"),
    ),
    "time_in_doubt": LeftOut(
        N_("The time of the entry is in doubt. It was judged for both times, and the higher level stands"),
        N_("The clock of your phone may be wrong. Check its date and time"),
    ),
    "unknown_agent": LeftOut(
        N_("The product is not in the protocol. The shortest windows were used"),
        N_("We do not know the product that was used here, so we judged more strictly"),
    ),
    "no_visit": LeftOut(
        N_("No session of this area is known, so there was nothing to compare with"),
        N_("We know of no session here, so we could not compare it with what is expected"),
    ),
    "warnings_not_answered": LeftOut(
        N_("The warning signs were not answered"),
        N_("You did not answer the warning signs"),
    ),
    "everything": LeftOut(
        N_("Nothing of this entry could be judged"),
        N_("The app could not judge your answers. A person looks at them"),
    ),
}
# What a nurse has done about an open case, for the patient.
CONTACTS = {
    "called": N_("%(name)s has spoken with you"),
    "wrote": N_("%(name)s has written to you"),
    "seen": N_("%(name)s has seen you"),
}
# What a closed case means for the patient, by the nurse's outcome.
OUTCOMES = {
    "reassured": N_("Your clinic has looked at this and expects it to settle"),
    "advice_given": N_("Your clinic has given you advice"),
    "seen_in_clinic": N_("You were seen at the clinic"),
    "sent_elsewhere": N_("Your clinic sent you to a doctor or hospital"),
    "emergency_services": N_("The emergency services were called"),
    "not_actionable": N_("Your clinic has looked at this. Nothing more is needed"),
}
