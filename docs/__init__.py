"""The documentation's generated part."""
