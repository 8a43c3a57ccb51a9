"""The desk of the kiosk: who registers, signs in, changes or deletes their account, and when a session ends."""
