"""What other people's tests import, and scenarios stand on: labs of clusters and phones."""
