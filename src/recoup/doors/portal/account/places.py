"""The pages of /account, in the order in which they are shown."""

from typing import Final

PLACES: Final = (
    ("/account", "You"),
    ("/account/password", "Password"),
    ("/account/second-factor", "Second factor"),
    ("/account/sessions", "Sessions"),
    ("/account/notifications", "Notifications"),
    ("/account/time", "Language and time"),
)
