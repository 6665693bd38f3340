"""Salesforce: rows of custom objects by the REST API, as far as the contract describes it."""
