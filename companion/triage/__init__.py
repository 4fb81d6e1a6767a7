"""Pure triage: what a patient reports, the clinic's protocol, and what the one says by the other."""
