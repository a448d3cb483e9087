"""The benchmarks: what this machine does, against pgbench running the same statements row by row on
the same server."""
