"""The command line: one small file per command, each parse → build → call → print → exit code."""
