"""Learning of the rescue engine: attempts of the past in, a model as data out, and which model
decides. Training needs numpy."""
