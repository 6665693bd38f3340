"""ServiceNow: the wrap-up codes of interactions, one row for each value.

Importing this package imports no HTTP library: ``options`` and ``capabilities`` are plain data, ``target``
connects. Contract: ``crm/servicenow-wrapup.openapi.yaml``.
"""
