"""Kinds of noise that models of Gaussian visible units have, by their settings."""

__all__ = ["GaussianNoiseMixin"]

from numbers import Real

import numpy as np

from skebm.estimator.parameter_checks import check_bias, check_noise
from skebm.learning.starts.number_of_groups import MOST_GROUPS
from skebm.units.gaussian import GaussianUnits, whiten_covariance


class GaussianNoiseMixin:
    """What `covariance_type`, `noise_variance`, `n_groups` and `n_scales` mean.

    And what they exclude; also of noise that a user passes.
    """

    @property
    def _noise_is_independent(self):
        """Whether columns are independent given the hidden units."""
        independent = self.covariance_type in {"diag", "spherical"}
        return independent or self.noise_variance is not None

    @property
    def _one_scale(self):
        return self.covariance_type == "spherical"

    @property
    def _is_mixture(self):
        """Whether rows have groups or scales: those learned, whatever is set since."""
        if hasattr(self, "components_"):
            return hasattr(self, "location_")
        return self._most_groups * self.n_scales > 1

    @property
    def _most_groups(self):
        """How many groups there can be, before it is known how many there are."""
        return MOST_GROUPS if self.n_groups == "auto" else int(self.n_groups)

    def _given_noise(self, n_features):
        """Validate `noise_variance`: give a variance for each feature, or None."""
        if self.noise_variance is None or isinstance(self.noise_variance, Real):
            given = self.noise_variance
            return None if given is None else np.full(n_features, float(given))
        variance = check_bias(self.noise_variance, "noise_variance", n_features)
        if not (variance > 0).all():
            raise ValueError(
                f"noise_variance={self.noise_variance} must be positive. Use None to "
                "learn it."
            )
        return variance

    def _restricted(self, covariance):
        """Give what a covariance is where columns are independent."""
        if not self._noise_is_independent:
            return covariance
        variance = np.diag(covariance)
        if self._one_scale:
            variance = np.full_like(variance, variance.mean())
        return np.diag(variance)

    def _units_whitening(self, covariance):
        """Make units of which rows of this covariance are white."""
        if self._noise_is_independent:
            return self._independent(np.diag(covariance))
        return GaussianUnits.of_base(whiten_covariance(covariance))

    def _independent(self, variance):
        """Make units with noise of given variances, in the model's units."""
        return GaussianUnits.of_base(
            1 / np.sqrt(variance),
            shared=self._one_scale,
            fixed=self._known_noise is not None,
        )

    def _take_noise(self, noise, factors=None):
        """Give the attributes of noise that a user passes, if it is of our kind."""
        self._known_noise = self._given_noise(len(noise))
        may_be_full = not self._noise_is_independent
        if factors is not None or self.covariance_type == "factor":
            may_share = may_be_full and self.covariance_type != "full"
            if factors is None or not may_share:
                raise ValueError(
                    "noise_factors go with covariance_type='factor' and "
                    "noise_variance=None, and it with them. Pass all of these, or none."
                )
            if self._most_groups * self.n_scales > 1:
                self._check_beside_groups(factors=True)
            return {"noise_variance_": noise, "noise_factors_": factors}
        if may_be_full:
            covariance = noise if noise.ndim == 2 else np.diag(noise)
            return {
                "noise_variance_": np.diag(covariance).copy(),
                "noise_covariance_": covariance,
            }
        if noise.ndim == 2:
            raise ValueError(
                "noise is a covariance, which asks for covariance_type='full' and "
                "noise_variance=None. Pass the variances alone to keep these settings."
            )
        if self._known_noise is not None:
            if not np.array_equal(noise, self._known_noise):
                raise ValueError(
                    f"noise={noise} is not what noise_variance={self.noise_variance} "
                    "says is known. Leave noise_variance out to learn on from it."
                )
        elif self._one_scale and np.ptp(noise) > 0:
            raise ValueError(
                f"noise={noise} differs between features, which "
                "covariance_type='spherical' excludes. Use covariance_type='diag'."
            )
        return {"noise_variance_": noise}

    def _take_noises(self, attributes, noises):
        """Give the attributes of noises of groups, if they are of our kind."""
        n_groups, n_features = attributes["locations_"].shape
        if noises is None:
            of_machine = attributes["noise_variance_"]
            noises = [attributes.get("noise_covariance_", of_machine)] * n_groups
        taken = [
            self._take_noise(check_noise(own, n_features)) for own in np.asarray(noises)
        ]
        names = {"noise_variance_": "noise_variances_"}
        if not self._noise_is_independent:
            names["noise_covariance_"] = "noise_covariances_"
        return {
            several: np.array([own[name] for own in taken])
            for name, several in names.items()
        }

    def _check_beside_groups(self, *, factors=False):
        """Refuse what rows of several groups or scales cannot have."""
        if self.noise_variance is not None:
            raise ValueError(
                "noise_variance is the noise of every row, and with n_groups="
                f"{self.n_groups} and n_scales={self.n_scales} rows have noise of "
                "several groups or scales. Leave noise_variance out, or set n_groups=1 "
                "and n_scales=1."
            )
        if self.covariance_type == "factor" or factors:
            raise ValueError(
                "Rows of several groups or scales are learned with other noise than "
                "that of factors. Set covariance_type to 'full' or 'diag', or "
                "n_groups=1 and n_scales=1."
            )
        self._check_sampler_of_groups()

    def _check_sampler_of_groups(self):
        if self.sampler == "langevin":
            raise ValueError(
                "Langevin steps move rows along one slope, and rows of several groups "
                "or scales have a slope in each of them. Set sampler='gibbs', or fit "
                "with n_groups=1 and n_scales=1."
            )

    def _check_structure(self):
        super()._check_structure()
        given = self._given_noise(self.n_features_in_)
        if not np.array_equal(given, self._known_noise):
            raise ValueError(
                f"noise_variance is {self.noise_variance} now, which is not what it "
                "was when learning began. Set it back, or call fit to begin again."
            )
