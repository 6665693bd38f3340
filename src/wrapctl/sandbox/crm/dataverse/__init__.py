"""Dataverse: rows of msdyn_ocdispositioncodes by the Web API, as far as the contract describes it."""
