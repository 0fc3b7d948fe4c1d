"""Servers that others wrote, as targets."""
