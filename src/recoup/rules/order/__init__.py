"""How an order lives: its lifecycle, its facts, the faces it shows and the life of one attempt, all as data."""
