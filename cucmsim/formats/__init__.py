"""The bytes: trust lists, signed files, names, and the messages of TFTP, TVS and CAPF."""
