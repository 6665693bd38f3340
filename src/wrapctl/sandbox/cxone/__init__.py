"""NICE CXone Admin API, as far as the contract describes it."""
