"""Alembic migrations; `upgrade` brings a database to this release's schema."""
