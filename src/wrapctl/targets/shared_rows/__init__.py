"""What mapping tables have in common, whichever system keeps them: keys, options, values as JSON, the way there.

``keys``, ``options`` and ``values`` are pure and import no HTTP library; ``link`` connects.
"""
