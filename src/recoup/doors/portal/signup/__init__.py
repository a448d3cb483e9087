"""An account of the sandbox, made by whoever wants one."""
