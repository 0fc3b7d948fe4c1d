"""The target: how a running implementation is reached, and the one HTTP client. Stands on contract and evidence."""
