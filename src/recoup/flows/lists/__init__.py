"""Files of the list of orders: asked for, made by the worker, fetched, forgotten."""
