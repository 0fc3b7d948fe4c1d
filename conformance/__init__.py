"""Payment Intents Conformance: acts on a payment-intent API, judges what it saw, says which documented statements hold."""

__version__ = "0.1.0"
