"""The leak gate over the finished bytes of a release: `scan`."""

from onesource.publish.leak.model import Allowance, Confidence, Finding, Kind
from onesource.publish.leak.scan import dataset_of, ever_divisions, scan

__all__ = ["Allowance", "Confidence", "Finding", "Kind", "dataset_of", "ever_divisions", "scan"]
