"""What the states and forms of files are called."""

from typing import Final

from recoup.doors.portal.words import State

FORMS: Final = {"csv": "CSV", "json": "JSON", "xlsx": "XLSX"}
STATES: Final = {
    "asked": State("Waits", "off", "draft", "The worker takes it as soon as it has room."),
    "working": State("Being made", "run", "processing", "It is being written; it can be downloaded once complete."),
    "ready": State("Ready", "ok", "completed", "It may be fetched until it goes."),
    "refused": State("Not made", "prob", "problem", "It could not be made; the reason is shown beside it."),
    "cancelled": State("Cancelled", "off", "cancelled", "You called it off."),
    "gone": State("Gone", "off", "cancelled", "The file was deleted. Export again for a new one."),
}
