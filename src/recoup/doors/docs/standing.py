"""Pages that are rendered once: what is fresh in them is put into the finished page.

The reference of an API takes a fifth of a second to render, and everybody's calls wait meanwhile; strangers may ask for
it as often as they like.
"""

from typing import Final
from urllib.parse import quote

from recoup.doors.edge.example_values import Fresh

# In the place of what is fresh, in its form; nothing else of a page is like it.
STANDING: Final = Fresh("f0e5a17c3b", "1901-02-03T04:05:06.789Z", "1902-03-04T05:06:07.891Z")


def freshened(page: bytes, fresh: Fresh) -> bytes:
    """A page that was rendered with `STANDING`, as it is with `fresh`."""
    for name in ("number", "now", "expiry"):
        standing, wanted = getattr(STANDING, name), getattr(fresh, name)
        page = page.replace(standing.encode(), wanted.encode())
        page = page.replace(quote(standing, safe="").encode(), quote(wanted, safe="").encode())  # in a query
    return page
