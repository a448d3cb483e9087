"""Files of the list of orders: requested, made by the worker, fetched, forgotten."""
