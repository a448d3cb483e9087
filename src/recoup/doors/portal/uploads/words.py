"""The words of files, the same on both pages."""

from typing import Final

from recoup.doors.portal.words import State

STATES: Final = {
    "received": State("Received", "hold", "draft", "It is stored; its rows wait for their turn."),
    "working": State("In work", "run", "processing", "Its rows are worked one after the other."),
    "completed": State("Completed", "ok", "completed", "Every row is answered."),
    "stopped": State("Stopped", "off", "cancelled", "Somebody stopped it; rows that were not begun are left out."),
}
KINDS: Final = {"transmit": "Transmissions", "evaluate": "Declined MITs"}
