"""The command line's verbs that work on a world. `main` registers them and opens the world for them."""
