"""Every kind of table that users pass in, of the same bits."""

import numpy as np
import pandas as pd
import polars as pl
from scipy import sparse


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


CONTAINERS = {
    "float32": lambda X: X.astype(np.float32),
    "float16": lambda X: X.astype(np.float16),
    "longdouble": lambda X: X.astype(np.longdouble),
    "uint8": lambda X: X.astype(np.uint8),
    "int8": lambda X: X.astype(np.int8),
    "int64": lambda X: X.astype(np.int64),
    "bool": lambda X: X.astype(bool),
    "object": lambda X: X.astype(object),
    "list": lambda X: X.tolist(),
    "list of bool": lambda X: X.astype(bool).tolist(),
    "Fortran order": np.asfortranarray,
    "Fortran order, uint8": lambda X: np.asfortranarray(X, dtype=np.uint8),
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "negative strides": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "big endian": lambda X: X.astype(">f8"),
    "read-only": read_only,
    "read-only bool": lambda X: read_only(X.astype(bool)),
    "pandas": pd.DataFrame,
    "pandas, bool": lambda X: pd.DataFrame(X.astype(bool)),
    "pandas, nullable": lambda X: pd.DataFrame(X).astype("boolean"),
    "pandas, mixed": lambda X: pd.DataFrame(X).astype({0: bool, 1: np.uint8}),
    "polars": lambda X: pl.DataFrame(X).cast(pl.UInt8),
    "CSR matrix": sparse.csr_matrix,
    "CSR array": sparse.csr_array,
    "CSR array, uint8": lambda X: sparse.csr_array(X.astype(np.uint8)),
    "CSR array, bool": lambda X: sparse.csr_array(X.astype(bool)),
    "CSC matrix": sparse.csc_matrix,
    "CSC array": sparse.csc_array,
    "COO array": sparse.coo_array,
    "LIL array": sparse.lil_array,
}
