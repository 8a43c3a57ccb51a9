"""Appointments: when a specialist can be seen, and who sees them when."""
