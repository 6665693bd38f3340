"""The only door to the network: sessions, logins, pacing, retries, redaction.

Everything that talks HTTP goes through here, so that what must always hold is written once: TLS is verified,
redirects are refused, secrets stay out of messages, waiting ends on the stop event, and a foreign exception never
gets past ``wire``.
"""
