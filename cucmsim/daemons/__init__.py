"""The servers: one thin module a port."""
