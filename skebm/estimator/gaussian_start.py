"""Where models of Gaussian visible units start to learn."""

__all__ = ["GaussianStartMixin"]

from copy import deepcopy

import numpy as np

from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.grouped import GroupedEnergy
from skebm.energy.pseudo_rows import PseudoRows
from skebm.estimator.real_rows import check_floor, floored_covariance
from skebm.learning.starts.correlations import sample_size
from skebm.learning.starts.directions import start_parameters
from skebm.learning.starts.factors import choose_n_factors, fit_factors
from skebm.learning.starts.groups import fit_groups
from skebm.learning.starts.number_of_groups import FLOOR, GroupSettings, choose_groups
from skebm.sampling.random import UniformNoise
from skebm.units.gaussian import GaussianUnits, whiten_covariance

# Of so many columns the whole covariance is learned without asking whether the rows
# are enough: it has no more than 5000 entries.
_MOST_NARROW_COLUMNS = 100

# Each group starts from as many rows as one alone would, up to so many in all, of which
# a covariance of 64 columns and 16 scales for each of 8 groups take half a minute.
_MOST_START_ROWS = 20_000

# Times that what is missing is drawn anew before learning, given the factors that what
# was drawn before has. With 40 % of the values missing, no more were found after these.
_ROUNDS_OF_GAPS = 8

# Attributes that fits of some settings have.
_OF_SOME_FITS = (
    "noise_covariance_",
    "noise_factors_",
    "noise_covariances_",
    "noise_variances_",
    "group_weights_",
    "locations_",
    "location_",
    "scales_",
    "scale_weights_",
    "step_size_",
)


class GaussianStartMixin:
    """How many factors and groups rows have, and a machine of what these leave."""

    @property
    def _first_floor(self):
        """The floor that is known, or from which others are tried."""
        return FLOOR if self.reg_covar == "auto" else self.reg_covar

    def _start_size(self, n_columns):
        size = sample_size(n_columns)
        return max(size, min(self._most_groups * size, _MOST_START_ROWS))

    def _begin(self, rows, rng, algorithm, start=None):
        n_columns = rows.n_columns
        if rows.has_missing and (
            self._may_have_factors(n_columns) or self._most_groups > 1
        ):
            # What nothing is known of is drawn apart from the rest at first. Factors
            # would be lost by that, and would not come back; and rows with gaps would
            # be a group of their own.
            own, size = deepcopy(rng), self._start_size(n_columns)
            chosen = rows.sample(size, own)  # as next, of rng
            noise = UniformNoise(own, np.float64)
            self.reg_covar_ = self._first_floor
            nothing = np.zeros((1, n_columns)), np.zeros(n_columns)
            for _ in range(_ROUNDS_OF_GAPS):
                units = self._normal(rows.take(chosen), own)
                energy = GaussianRBMEnergy.of(*nothing, np.zeros(1), units)
                rows.refresh(chosen, energy, noise)
        return super()._begin(rows, rng, algorithm, start)

    def _initial_energy(self, sample, rng):
        for name in _OF_SOME_FITS:
            vars(self).pop(name, None)  # of an earlier fit
        self._known_noise = self._given_noise(sample.shape[1])
        n_scales = int(self.n_scales)
        n_groups = self.n_groups if self.n_groups == "auto" else int(self.n_groups)
        given = {"restricted": self._restricted, "rng": rng}
        self.reg_covar_ = self._first_floor
        if self._most_groups * n_scales > 1:
            self._check_beside_groups()
            self._covariance(sample)  # refuses what is lost to rounding
        chosen = GroupSettings(n_groups, ridge=self.reg_covar_)
        has_scales = n_scales > 1 and self.reg_covar == "auto"
        if n_groups != 1 or has_scales:
            # Draws of its own, so that groups learn as if they were not chosen.
            own = given | {"ridge": self.reg_covar, "rng": rng.spawn(1)[0]}
            chosen = choose_groups(sample, n_groups, n_scales, **own)
            self.reg_covar_ = chosen.ridge
        if chosen.n_groups * n_scales > 1:
            found = fit_groups(sample, n_scales=n_scales, **chosen._asdict(), **given)
            energy = self._initial_groups(found, sample, rng)
            if chosen.pseudo_rows == 0:
                return energy
            drawn = PseudoRows.of(found, chosen.pseudo_rows / len(sample), rng)
            return energy.replaced(pseudo_rows=drawn)
        noise, whitening = None, self._whitening(sample, rng)
        if self._known_noise is not None:
            noise = self._independent(self._known_noise / self._scale**2)
        return self._of(
            *start_parameters(whitening, int(self.n_components), rng, noise, sample)
        )

    def _initial_groups(self, found, sample, rng):
        """Start from a mixture of normal distributions, and excursions in its rows."""
        white = self._units_whitening(np.eye(sample.shape[1]))
        *parameters, left = start_parameters(
            white, int(self.n_components), rng, sample=found.white(sample, rng)
        )
        noises = [
            self._units_whitening(own).followed(left) for own in found.covariances
        ]
        machine = self._of(*parameters, noises[0])
        return GroupedEnergy.of(machine, noises, *found[:3])

    def _whitening(self, sample, rng):
        """Give the units that make rows white as far as the noise can."""
        ridge, n_columns = self.reg_covar_, sample.shape[1]
        n_factors = None
        if self._may_have_factors(n_columns):
            check_floor(np.square(sample).mean(axis=0) + ridge, ridge)
            or_full = self.covariance_type == "auto"
            # From a copy, so that the rest is drawn as if all had been asked for.
            own = deepcopy(rng)
            n_factors = choose_n_factors(sample, ridge, own, or_full=or_full)
            if n_factors is not None:
                return fit_factors(sample, n_factors, ridge, own)
        return self._units_whitening(self._restricted(self._covariance(sample)))

    def _covariance(self, sample):
        """Compute the covariance of rows of mean 0, the floor added."""
        independent = self._noise_is_independent
        return floored_covariance(sample, self.reg_covar_, independent=independent)

    def _normal(self, sample, rng):
        """Give units of which the correlations of rows are those of the noise."""
        ridge = self.reg_covar_
        if sample.shape[1] > _MOST_NARROW_COLUMNS or self.covariance_type == "factor":
            n_factors = choose_n_factors(sample, ridge, rng)
            return fit_factors(sample, n_factors, ridge, rng)
        return GaussianUnits.of_base(whiten_covariance(self._covariance(sample)))

    def _may_have_factors(self, n_columns):
        """Say whether rows of a single group are asked for factors of the noise."""
        has_groups = self.n_groups not in {1, "auto"}
        if self._noise_is_independent or has_groups or self.n_scales > 1:
            return False
        is_wide = n_columns > _MOST_NARROW_COLUMNS
        return self.covariance_type == "factor" or (
            self.covariance_type == "auto" and is_wide
        )
