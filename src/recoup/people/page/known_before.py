"""Facts that the edge knows of the portal before any of its pages is there: the cookie of its
sessions, and the paths that take files."""

from typing import Final

SESSION_COOKIE: Final = "recoup_session"
IMPORTS: Final = "/imports"
UPLOADS: Final = "/uploads"
FILES: Final = "/reconciliation/files"
FILE_BYTES_MAX: Final = 32 << 20  # of FILES
FORM_BYTES: Final = 1 << 20  # what a form adds to its file
