"""Rules: pure functions that judge a history, whoever made it. One module per concern; ``judge`` applies them."""
