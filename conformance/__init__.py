"""Payment Intents Conformance: acts on a payment-intent API and says which documented statements hold."""

__version__ = "0.1.0"
