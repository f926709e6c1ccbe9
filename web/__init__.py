"""Everything that answers over HTTP: pages, the API, the console of the Limited Use log, the trust pages.

A *caller* is what a route expects to be called by; a *page* is a template composed of guarded values and opened by
the browser sink. Invariants: every route names its caller and nothing answers an undeclared one; no page opens a
value by hand; no answer carries inline script or style.
"""
