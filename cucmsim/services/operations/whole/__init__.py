"""Backup and restore of a whole cluster in one file (`cucmsim cluster`), no real server's.

DRS (`operations/drs`) does what the real one does, node by node, with files on an SFTP server. This
is for whoever runs the lab: everything the store has, at one moment, into any cluster.
"""
