"""What every test may ask for."""

pytest_plugins = ["tests.patient_reads", "tests.quick_passwords", "tests.server_fixture"]
