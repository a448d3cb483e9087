"""The embedded PostgreSQL: found, initialised, run and kept alive by Recoup itself.

`EmbeddedServer(data_dir).start()` answers where it listens. Everything else here serves that.
"""

from recoup.db.server.address import ServerAddress
from recoup.db.server.binaries import Binaries, find_binaries
from recoup.db.server.embedded import EmbeddedServer

__all__ = ["Binaries", "EmbeddedServer", "ServerAddress", "find_binaries"]
