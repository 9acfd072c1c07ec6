"""The whole: settings, nodes, start and stop."""
