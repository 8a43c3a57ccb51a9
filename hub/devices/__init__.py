"""The fleet: which kiosks there are, and whether they are there now."""
