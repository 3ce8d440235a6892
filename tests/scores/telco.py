"""7,043 subscribers and who left (IBM sample), where the folder is present."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

FILE = Path(os.environ.get("LAER_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data") / "telco" / "Telco-Customer-Churn.csv"


def telco() -> tuple[pd.DataFrame, NDArray[np.float64]]:
    if not FILE.is_file():
        pytest.skip("the telco data are not here")
    frame = pd.read_csv(FILE)
    return frame.drop(columns="Churn"), (frame["Churn"] == "Yes").to_numpy(float)
