"""E-mail and SMS to patients: queued with the reason for them, sent once."""
