"""Disclosure control: what of a table may be shown, and the proof that the rest stays hidden."""

from onesource.publish.disclosure.control import protect
from onesource.publish.disclosure.model import DisclosureRefused, Earlier, Linked, Protected

__all__ = ["DisclosureRefused", "Earlier", "Linked", "Protected", "protect"]
