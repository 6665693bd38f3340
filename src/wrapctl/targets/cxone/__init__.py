"""NICE CXone, Admin API: dispositions are wrap-up codes, skills are queues.

Importing this package imports no HTTP library: ``options`` and ``capabilities`` are plain data, ``target``
connects.
"""
