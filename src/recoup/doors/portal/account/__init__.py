"""A person's own pages. Their declarations make the tabs between them."""
