"""On-kiosk image analysis: model packages, preprocessing, classification and its explanation."""
