"""Microsoft Dataverse: the disposition codes of Dynamics 365 Contact Center, one row for each value.

Importing this package imports no HTTP library: ``options`` and ``capabilities`` are plain data, ``target``
connects. Contract: ``crm/dataverse-disposition.openapi.yaml``.
"""
