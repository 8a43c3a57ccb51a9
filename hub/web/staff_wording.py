"""The words of the staff pages."""

from typing import Final

ROLES: Final = {
    "clinician": "Clinician",
    "technician": "Technician",
    "attendant": "Attendant",
    "administrator": "Administrator",
}

EVENTS: Final = {
    "invited": "Invited",
    "invitation-accepted": "Accepted the invitation",
    "password-accepted": "Password accepted",
    "signed-in": "Signed in with a passkey",
    "sign-in-refused": "Sign-in refused",
    "locked": "Name locked",
    "unlocked": "Lock lifted",
    "signed-out": "Signed out",
    "stepped-up": "Confirmed with a passkey",
    "passkey-refused": "Passkey refused",
    "passkey-added": "Passkey added",
    "passkey-removed": "Passkey removed",
    "recovery-codes-made": "Recovery codes made",
    "recovery-code-used": "Recovery code used",
    "session-revoked": "Session ended",
    "tokens-issued": "Token made for a program",
    "tokens-rotated": "Program's token renewed",
    "token-reused": "Used token shown again; session ended",
    "credentials-reset": "Credentials reset",
    "role-changed": "Role changed",
    "disabled": "Account shut",
    "enabled": "Account opened again",
}
