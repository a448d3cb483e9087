"""What the edge knows of the portal before any of its pages is there: the cookie of its sessions, and the paths that
take files, with the bytes that a call to them may bring."""

from typing import Final

from recoup.flows.cards.uploads.take import FILE_BYTES_MAX as UPLOAD_BYTES_MAX
from recoup.flows.insight.imports.read import FILE_BYTES_MAX as IMPORT_BYTES_MAX

SESSION_COOKIE: Final = "recoup_session"
IMPORTS: Final = "/imports"
UPLOADS: Final = "/uploads"
FILES: Final = "/reconciliation/files"
_FORM: Final = 1 << 20  # what a form adds to its file
LARGER: Final = {FILES: 32 << 20, UPLOADS: UPLOAD_BYTES_MAX + _FORM, IMPORTS: IMPORT_BYTES_MAX + _FORM}
