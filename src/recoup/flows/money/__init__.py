"""The books: pages closed over what is committed."""
