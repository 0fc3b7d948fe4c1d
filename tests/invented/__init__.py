"""A provider that the suite has never heard of: its contract, its server, and what is made of them."""
