"""One folder for each API that wrapctl can reconcile."""
