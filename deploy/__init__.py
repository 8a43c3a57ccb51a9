"""What it takes to run kiosks and the hub on real machines: broker, service units and the demo."""
