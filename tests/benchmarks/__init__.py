"""What a run costs, and what it finds beside other tools."""
