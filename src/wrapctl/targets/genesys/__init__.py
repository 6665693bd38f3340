"""Genesys Cloud, Platform API v2: wrap-up codes, queues, after-call work, outbound mapping.

Importing this package imports no HTTP library: ``options`` and ``capabilities`` are plain data, ``target``
connects.
"""
