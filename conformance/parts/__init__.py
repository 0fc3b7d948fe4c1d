"""A run in parts: N processes or machines act a share of the scenarios each, and one judgement is made of the whole."""
