"""Scenarios: pytest modules that bring a situation about on a target and state what is expected, one per concern."""
