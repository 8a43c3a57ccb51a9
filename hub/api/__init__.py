"""The HTTP API: one router a resource, each thin; every route declares the roles it serves."""
