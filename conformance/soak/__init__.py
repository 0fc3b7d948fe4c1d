"""Many users at once, for long: Locust lets them act, and the same rules judge what they have seen."""
