"""A plain endpoint that keeps rows, as a middleware or a home-made CRM would: no vendor, no contract but this text.

``POST /crm/oauth/token``: client credentials (form or Basic) for a token, ``expires_in`` in seconds. The static token
of a client is ``<client_id>:<client_secret>``, and never expires.

``GET /crm/rows?limit=&cursor=``: ``{"rows": [row, …], "next": "…"}``, by key; the last page has no ``next``.
``POST /crm/rows``: 201 with the row and its ``Location``; a row without ``key`` is given one; 409 when the key is there.
``GET /crm/rows/{key}``: the row. ``PUT``: the whole row, 201 or 200. ``PATCH``: some members, ``null`` takes one off
(RFC 7396). ``DELETE``: 204. Keys are percent-encoded in the path, slashes too.

A row is any JSON object; ``key`` is its key. Unless switched off, an answer with one row has its ``ETag``, and a row of a
list has it as the member ``etag`` (which no write stores). ``If-Match`` and ``If-None-Match: *`` answer 412.
``Idempotency-Key`` on a write: the same key with the same request replays the first answer and does nothing, with another
request it is 422. Errors are ``application/problem+json`` (RFC 9457). ``read_back: false`` leaves POST alone, which then
replaces too, 405 for all else.
"""
