"""From an approved plan to a changed org: settle, lock, journal, run, report (DESIGN section 6)."""
