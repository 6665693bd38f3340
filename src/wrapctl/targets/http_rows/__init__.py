"""Any HTTP endpoint that keeps rows: a read-back, a write per row, bodies from a template.

Importing this package imports no HTTP library: ``options`` and ``capabilities`` are plain data, ``target``
connects.
"""
