"""The conversations without I/O: bytes in, events out."""
