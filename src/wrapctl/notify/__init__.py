"""Telling other systems: what happened as events, kept in an outbox until each sink has taken them."""
