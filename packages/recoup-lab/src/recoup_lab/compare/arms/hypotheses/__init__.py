"""A candidate for the engine: hypotheses about the payer and about what holds the order, and a regression whose every
block of columns learns how much it may say. Played as any other arm; the product does not know it yet.
"""
