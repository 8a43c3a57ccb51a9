"""Training, calibration, export and evaluation of the kiosk's networks; never needed on a kiosk."""
