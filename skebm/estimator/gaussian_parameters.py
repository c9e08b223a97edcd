"""Parameters of models of Gaussian visible units, as users know them, and energies."""

__all__ = ["GaussianParametersMixin"]

import numpy as np

from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.grouped import GroupedEnergy
from skebm.energy.langevin_rbm import LangevinGaussianRBMEnergy
from skebm.units.binary import BinaryUnits
from skebm.units.factors import FactorUnits
from skebm.units.gaussian import GaussianUnits, whiten_covariance


class GaussianParametersMixin:
    """Attributes of a fit, in units of the data, and the energy that they are."""

    def _of(self, weights, visible_bias, hidden_bias, visible):
        family = GaussianRBMEnergy
        if self.sampler == "langevin":
            family = LangevinGaussianRBMEnergy
        energy = family.of(
            weights, visible_bias, hidden_bias, visible, BinaryUnits(len(weights))
        )
        if hasattr(self, "step_size_") and self.sampler == "langevin":
            energy = energy.replaced(length=self.step_size_)
        # To noise that does not learn, nothing is added.
        ridge = self.reg_covar_ if self._known_noise is None else 0.0
        log_volume = float(np.log(self._scale).sum())
        return energy.replaced(ridge=ridge, log_volume=log_volume)

    def _parameters(self, energy):
        if not isinstance(energy, GroupedEnergy):
            own = self._parameters_of_machine(energy, self._location)
            return own | {"n_groups_": 1}
        shape = energy.log_scales.shape
        order = np.argsort(energy.log_scales, axis=1)
        shares = np.take_along_axis(energy.shares.reshape(shape), order, axis=1)
        scales = np.exp(np.take_along_axis(energy.log_scales, order, axis=1))
        group_weights = shares.sum(axis=1)
        shares /= group_weights[:, np.newaxis]
        means = (shares * scales).sum(axis=1)
        roots = np.sqrt(means)
        noises = [
            noise.stretched(root)
            for noise, root in zip(energy.noises, roots, strict=True)
        ]
        centres = self._location + self._scale * energy.centres
        centre, noise = centres[0], noises[0]
        attributes = {}
        if len(noises) > 1:
            centre = group_weights @ centres
            covariances = np.array([noise.covariance() for noise in noises])
            mean = np.einsum("g,gij->ij", group_weights, covariances)
            noise = self._units_whitening(mean)
            covariances *= np.outer(self._scale, self._scale)
            attributes = {
                "group_weights_": group_weights,
                "locations_": centres,
                "noise_variances_": np.einsum("gii->gi", covariances).copy(),
            }
            if noise.is_full:
                attributes["noise_covariances_"] = covariances
        if self.n_scales > 1:
            scales /= means[:, np.newaxis]
            is_one = len(noises) == 1
            attributes["scales_"] = scales[0] if is_one else scales
            attributes["scale_weights_"] = shares[0] if is_one else shares
        machine = energy.machine.with_noise(noise)
        return {
            **self._parameters_of_machine(machine, centre),
            "n_groups_": len(noises),
            "location_": centre,
            **attributes,
        }

    def _parameters_of_machine(self, energy, location):
        """Name the attributes of a machine of rows less a location, in our units."""
        scale, units = self._scale, energy.visible
        means = units.states(np.vstack([energy.weights, energy.visible_bias]))
        # The hidden units see rows that are no longer centred.
        field = energy.weights @ units.statistics(location / scale)
        attributes = {
            "components_": means[:-1] * scale,
            "intercept_visible_": means[-1] * scale + location,
            "intercept_hidden_": energy.hidden_bias - field,
            "noise_variance_": units.variances() * scale**2,
        }
        if self._known_noise is not None:
            attributes["noise_variance_"] = self._known_noise.copy()
        if self.sampler == "langevin":
            attributes["step_size_"] = energy.length
        if isinstance(units, FactorUnits):
            attributes["noise_factors_"] = units.factors() * scale
        elif units.is_full:
            covariance = units.covariance()
            attributes["noise_covariance_"] = covariance * np.outer(scale, scale)
        return attributes

    def _energy(self):
        if not self._is_mixture:
            return self._machine(self._location)
        self._check_sampler_of_groups()
        machine = self._machine(self.location_)
        group_weights, noises = np.ones(1), [machine.noise]
        locations = self.location_[np.newaxis]
        if hasattr(self, "group_weights_"):
            group_weights, locations = self.group_weights_, self.locations_
            if hasattr(self, "noise_covariances_"):
                unit = np.outer(self._scale, self._scale)
                bases = map(whiten_covariance, self.noise_covariances_ / unit)
                noises = [GaussianUnits.of_base(base) for base in bases]
            else:
                variances = self.noise_variances_ / self._scale**2
                noises = [self._independent(own) for own in variances]
        scales = np.atleast_2d(getattr(self, "scales_", np.ones((len(noises), 1))))
        shares = np.atleast_2d(getattr(self, "scale_weights_", np.ones_like(scales)))
        return GroupedEnergy.of(
            machine,
            noises,
            np.log(scales),
            np.log(shares * group_weights[:, np.newaxis]),
            (locations - self._location) / self._scale,
        )

    def _machine(self, location):
        """Build the machine of rows less a location, in our units."""
        scale = self._scale
        # Parameters of the constructor may have changed since these were learned.
        if hasattr(self, "noise_covariance_"):
            covariance = self.noise_covariance_ / np.outer(scale, scale)
            units = GaussianUnits.of_base(whiten_covariance(covariance))
        elif hasattr(self, "noise_factors_"):
            own = self.noise_variance_ - (self.noise_factors_**2).sum(axis=0)
            units = FactorUnits.of_factors(own / scale**2, self.noise_factors_ / scale)
        else:
            units = self._independent(self.noise_variance_ / scale**2)
        weights = units.statistics(self.components_ / scale)
        visible_bias = units.statistics((self.intercept_visible_ - location) / scale)
        field = weights @ units.statistics(location / scale)
        return self._of(weights, visible_bias, self.intercept_hidden_ + field, units)
