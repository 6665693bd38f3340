"""wrapctl keeps a contact centre's wrap-up codes in git."""

__version__ = "0.1.0"
