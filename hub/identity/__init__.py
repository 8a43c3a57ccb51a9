"""Identity at the hub: sealed credential records, attempts of all kiosks, orders to them, deletions, reset codes."""
