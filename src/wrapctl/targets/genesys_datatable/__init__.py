"""Data tables of Genesys Cloud Architect: mapping rows that flows and scripts look up by their key.

The platform keeps the rows itself, so that no CRM credential is needed. Importing this package imports no HTTP
library: ``options``, ``capabilities`` and ``convert`` are plain, ``target`` connects.
"""
