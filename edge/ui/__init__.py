"""The touch screen's server, on loopback only."""
