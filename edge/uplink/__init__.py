"""From the kiosk's disk to the hub: outbox, MQTT, image upload."""
