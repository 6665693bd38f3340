"""ServiceNow: wrap-up codes by the Wrap Up API and the Table API, as far as the contract describes them."""
