"""Pictures of fitted models, drawn by matplotlib in scikit-learn's convention.

`from_estimator` computes what is shown and draws it; a display keeps it, so that
`plot` can draw it again without computing anything. matplotlib is imported by `plot`
alone.
"""

__all__ = [
    "CouplingsDisplay",
    "EnergyHistogramDisplay",
    "HistoryDisplay",
    "WeightsDisplay",
]

from skebm.displays.couplings import CouplingsDisplay
from skebm.displays.energy_histogram import EnergyHistogramDisplay
from skebm.displays.history import HistoryDisplay
from skebm.displays.weights import WeightsDisplay
