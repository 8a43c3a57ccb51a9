"""The hub: takes in what kiosks report, keeps the records and serves them to staff."""
