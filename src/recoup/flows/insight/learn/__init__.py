"""How the rescue engine learns: attempts of the past in, a model as data out. Needs numpy (extra `lab`)."""
