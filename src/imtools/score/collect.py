"""From records to the matrices that all metrics take: one model's scores beside what is known."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..aggregation import Aggregation, aggregate
from ..errors import ImtoolsWarning, UsageError
from ..grouping import groups_of, united
from ..labels import PRESENT, Unlisted
from ..manifest import Record

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MEMBER = re.compile(r"(.+)#fold(\d+)")

