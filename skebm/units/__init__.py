"""Units: all that a layer is, once the field of the other layer is given.

One kind a file. Every energy here is linear in statistics of its units, and a field is
what multiplies these: exp(field . statistics) is what a unit's states weigh. For binary
units, whose statistic is the state, it is the log-odds of being on.
"""
