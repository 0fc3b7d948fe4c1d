"""Comparison: what two runs, or a recorded run and a server, do differently. Stands on contract, evidence, verdict."""
