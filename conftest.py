"""Which modules can be imported to be searched for examples."""

from importlib.util import find_spec

collect_ignore = []
if find_spec("numba") is None:
    collect_ignore += [
        "skebm/energy/ascent/compiled_kernels.py",
        "skebm/energy/ascent/compiled_product.py",
        "skebm/energy/compiled_functions.py",
        "skebm/energy/layers/compiled_kernels.py",
        "skebm/energy/sweeps/compiled_kernels.py",
        "skebm/sampling/streams/compiled_kernels.py",
    ]
if find_spec("matplotlib") is None:
    collect_ignore += [
        f"skebm/displays/{name}.py"
        for name in ("couplings", "energy_histogram", "history", "weights")
    ]
