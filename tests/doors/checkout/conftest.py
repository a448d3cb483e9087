from tests.doors.rescue.conftest import door, shop  # noqa: F401
