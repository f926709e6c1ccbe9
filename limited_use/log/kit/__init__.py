"""What an outsider gets with the log: a page on its format, and a script that verifies it without us.

Both are copied into every exported folder. The script shares no code with the product on purpose: an error in
our arithmetic must not hide itself.
"""

from pathlib import Path

SCRIPT = Path(__file__).with_name("verify.py")

FORMAT = """\
# The format of this log

This folder is a transparency log in the public C2SP formats. No tool of ours is needed to read or verify it.

| file | what it is | specification |
|---|---|---|
| `checkpoint` | origin, number of leaves, root hash; signed, Ed25519 | c2sp.org/tlog-checkpoint |
| `tile/<L>/<N>[.p/<W>]` | hashes of the RFC 6962 tree, 256 to a tile, 32 bytes each | c2sp.org/tlog-tiles |
| `tile/entries/<N>[.p/<W>]` | the leaves, 256 to a bundle, each after its length in two bytes | c2sp.org/tlog-tiles |
| `vkey` | the public key, `<name>+<key id>+<base64 of 0x01 and the key>` | c2sp.org/signed-note |
| `history.jsonl` | every checkpoint that was signed: `{"size": n, "note": base64}` | |
| `verify.py` | verifies all of this: `python verify.py . --vkey "<the key as published>"` | |

A leaf hash is SHA-256(0x00 || leaf); a node is SHA-256(0x01 || left || right).

## What a leaf says

Canonical JSON: all keys present, in order, no spaces. `at` time; `kind` what happened; `decision` open, withhold,
refuse or event; `actor_class` and `actor` who; `org` which organisation; `purpose` and `feature` why; `sink` and
`destination` where to; `reason` by which rule; `policy` (a hash) under which rules of all; `labels` from which Google
products; `grants` under whose permission; `fields` which columns; `opened`, `withheld`, `records` how many; `rows`
SHA-256 over the ids of the records; `consent`, `ticket` what allowed it; `v` 1.

People, organisations and permissions are pseudonyms: keyed hashes, whose keys can be destroyed. `commitment` is
SHA-256(salt || detail) of a detail that is kept apart and may have been erased. There is no content in a leaf, and
no place where content could stand.

## Receipts

A file `.tlog-proof` (c2sp.org/tlog-proof) proves one leaf: the leaf is in its `extra` line, then its index, its path
to the root, and the checkpoint. `python verify.py . --receipt file.tlog-proof` verifies it, offline.

## What to keep

Keep a copy of `checkpoint`. A later log must contain it: `python verify.py . --held old-checkpoint` says whether it
does. That is what makes it impossible to rewrite the past unseen, for us too.
"""
