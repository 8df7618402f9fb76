"""Running a plan: what is left to do (session), and where it is done (local processes)."""
