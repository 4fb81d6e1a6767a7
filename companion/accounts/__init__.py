"""People, their roles, invitations and sign-ins, and the audit trail."""
