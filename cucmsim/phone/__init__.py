"""The client's side: what a phone asks, and how it hears the answer."""
