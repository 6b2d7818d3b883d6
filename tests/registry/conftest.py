import pytest
from township import Township


@pytest.fixture
def township(database):
    return Township(database)
