"""From MQTT messages to committed records: receive, decode, record in one transaction, acknowledge, receipt."""
