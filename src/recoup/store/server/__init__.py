"""The embedded PostgreSQL: found, initialised, run and kept alive by Recoup itself.

`EmbeddedServer(data_dir).start()` answers where it listens. Everything else here serves that.
"""

from recoup.store.server.address import ServerAddress
from recoup.store.server.binaries import Binaries, find_binaries
from recoup.store.server.embedded import EmbeddedServer

__all__ = ["Binaries", "EmbeddedServer", "ServerAddress", "find_binaries"]
