"""The Limited Use log: what was opened, what was refused, and a proof that the record was never rewritten.

Each opening, refusal and change of rule is one *leaf*. Leaves are numbered and hashed into an RFC 6962 Merkle
tree, whose hashes are kept as C2SP *tiles* and whose root is signed at most a second later in a *checkpoint*.
Anyone holding an older checkpoint can tell whether the log was changed since, with tools that are not ours.

A leaf says who (by pseudonym), why, where to and how much; never what. Details that name people lie beside
it, sealed, and may be erased: the leaf holds only a salted commitment to them, so erasing breaks no proof.

From below: `tree` (the arithmetic), `tiles`, `stores` and `edge` (its published form), `checkpoint` and `signer`
(its signed head), `proof` (a receipt), `words` and `leaf` (what may be said), `models` and `record` (where it
is kept), `verify` (whether it still holds), `export` and `serve` (for outsiders), `query` (for admins).
"""
