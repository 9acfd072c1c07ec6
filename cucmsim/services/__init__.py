"""The rules: what a cluster answers, and why."""
