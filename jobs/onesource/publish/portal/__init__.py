"""The static pages of a release: an index and one page per dataset, readable without a server.

They are made from the release and from nothing else: the same release gives the same bytes.
"""

from onesource.publish.portal.pages import write_portal
from onesource.publish.portal.tile_grid import load_tile_grid

__all__ = ["load_tile_grid", "write_portal"]
