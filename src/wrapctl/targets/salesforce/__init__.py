"""Salesforce: mapping rows in a custom object, found by an external id.

Importing this package imports no HTTP library: ``options`` and ``capabilities`` are plain data, ``target``
connects.
"""
