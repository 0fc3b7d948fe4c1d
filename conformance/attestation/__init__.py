"""What makes a certificate worth handing on: digests of what it rests on, a signature, and how both are verified."""
