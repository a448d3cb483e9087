"""The sandbox's channels and the book that they keep of what was paid, given back and swept."""
