"""The rescue API under `/v1`. One file a resource; `wire.py` holds the dialect's shapes, `errors.py` its error table."""
