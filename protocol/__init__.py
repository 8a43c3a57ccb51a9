"""The wire contract between kiosks and the hub: the only package that both may import. No I/O."""
