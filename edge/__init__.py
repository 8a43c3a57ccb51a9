"""The kiosk: capture, analysis, identity, the visit and the way to the hub."""
