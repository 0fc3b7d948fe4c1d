"""What is found of the faulty servers, beside other tools: ``python -m tests.benchmarks.detection``."""
