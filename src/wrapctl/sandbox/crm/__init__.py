"""CRM systems that keep disposition rows: Salesforce, Dataverse, ServiceNow, and a plain HTTP endpoint.

Each is an org of the store with a folder of its own here; what they share (rows in a transaction, logins, edits in the
UI, the gate's questions) is beside this file. ``contracts/crm`` says what they answer.
"""
