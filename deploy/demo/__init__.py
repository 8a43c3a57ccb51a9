"""The demo: a hub, a broker and a kiosk on this machine, with invented patients."""
