"""The scenario library: documented situations that can be played, with a verdict."""
