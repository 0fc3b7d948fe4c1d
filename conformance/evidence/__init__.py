"""Evidence: exchanges and histories, redaction, and other people's recordings. Imports nothing else of the suite."""
