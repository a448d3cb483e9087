"""The rescue API under `/v1`. One file a resource; `wire.py` holds shapes, `errors.py` the error table."""
