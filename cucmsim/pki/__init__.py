"""The cryptography: keys, certificates, signatures and chains."""
