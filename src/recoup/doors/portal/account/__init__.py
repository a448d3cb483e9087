"""A person's own pages. `places.PLACES` is the navigation between them: whoever adds a page adds a line there."""
