"""What the states and forms of files are called."""

from typing import Final

from recoup.doors.portal.words import State

FORMS: Final = {"csv": "CSV", "json": "JSON", "xlsx": "XLSX"}
STATES: Final = {
    "asked": State("Waits", "off", "draft", "The worker starts it as soon as it has capacity."),
    "working": State("Running", "run", "processing", "It is being written; it can be downloaded once complete."),
    "ready": State("Ready", "ok", "completed", "It can be downloaded until it is deleted."),
    "refused": State("Failed", "prob", "problem", "The export failed; the reason is shown beside it."),
    "cancelled": State("Cancelled", "off", "cancelled", "You cancelled it."),
    "gone": State("Deleted", "off", "cancelled", "The file was deleted. Export again to get a new one."),
}
