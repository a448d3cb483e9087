"""What every proof begins with."""

import pytest


@pytest.fixture(autouse=True)
def patient_reads() -> None:
    """Proofs keep the limits of the product."""
