"""What every test may ask for."""

pytest_plugins = ["tests.server_fixture", "tests.quick_passwords"]
