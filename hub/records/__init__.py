"""The records: patients, lesions, analyses and images. Service functions and queries, no HTTP, no MQTT."""
