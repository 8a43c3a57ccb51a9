"""Measurements: each prints a table with the limit beside it and writes JSON under build/bench/."""
