"""What every test may ask for, and what none depends on: how fast the machine is just then."""

pytest_plugins = [
    "tests.rings",
    "tests.compiled_once",
    "tests.log_lines",
    "tests.long_first",
    "tests.one_loop",
    "tests.patient_reads",
    "tests.quick_calls",
    "tests.quick_gc",
    "tests.quick_passwords",
    "tests.server_fixture",
    "tests.api_door",
]
