"""Situations in which money is looked for. All tries of one cell find it with the same chance, so that chances are made
by cell and not by try: a few thousand instead of millions.
"""

from typing import Final

import numpy as np

from recoup.flows.insight.learn.attempts import Column
from recoup.rules.rescue.engine.bins import GAP, IDLE, MISSING, SINCE, STANDINGS
from recoup.rules.rescue.engine.rhythms import AMPLE, IRREGULAR

# Of dated rhythms: the zone is known; how money stood, and for how long; whether it is a try after the first; whether
# money was missing since the posting; the time since that.
_DATED: Final = (2, STANDINGS, len(GAP), 2, 2, len(SINCE))
_IRREGULAR: Final = (STANDINGS, 2, len(IDLE))
_AMPLE: Final = (STANDINGS, 2)
_SIZES: Final = tuple(int(np.prod(shape)) for shape in (_DATED, _IRREGULAR, _AMPLE))
CELLS: Final = sum(_SIZES)
DATED: Final = slice(0, _SIZES[0])
DATELESS: Final = slice(_SIZES[0], _SIZES[0] + _SIZES[1])
ABUNDANT: Final = slice(_SIZES[0] + _SIZES[1], CELLS)

_zone, _standing, _gap, _retry, _stale, _since = (axis.ravel() for axis in np.indices(_DATED))
_own_standing, _own_retry, _idle = (axis.ravel() for axis in np.indices(_IRREGULAR))
_ample_standing, _ample_retry = (axis.ravel() for axis in np.indices(_AMPLE))
STANDING: Final = np.r_[_standing, _own_standing, _ample_standing]
RETRY: Final = np.r_[_retry, _own_retry, _ample_retry] > 0
STALE: Final = _stale > 0  # of dated cells
# Which coefficient the cell is about, of those of its sort.
SINCE_OF: Final = _zone * len(SINCE) + _since
STALE_OF: Final = (_standing == MISSING) * len(GAP) + _gap
IDLE_OF: Final = _own_standing * len(IDLE) + _idle


def cells_of(
    zone: Column, standing: Column, retry: Column, gap: Column, idle: Column, since: Column, stale: Column
) -> Column:
    """Attempts × rhythms. `since`, `stale`: likewise; the others by attempt."""
    retry, stale = retry.astype(np.int64), stale.astype(np.int64)
    by_try = np.ravel_multi_index((zone, standing, gap, retry, 0 * retry, 0 * retry), _DATED)
    found: Column = by_try[:, None] + stale * len(SINCE) + since
    found[:, IRREGULAR] = DATELESS.start + np.ravel_multi_index((standing, retry, idle), _IRREGULAR)
    found[:, AMPLE] = ABUNDANT.start + np.ravel_multi_index((standing, retry), _AMPLE)
    return found
