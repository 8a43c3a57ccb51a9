"""The hub's own people: accounts, passkeys, sessions and the record of what they did. Routes belong to `hub.api`."""
