"""Stand-ins of vendors: processes of their own with a book on disk, idempotent as the vendor is,
with faults on demand. Nothing here is the vendor's."""
