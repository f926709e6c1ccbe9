"""A local Google: enough of it, on loopback, to run and test the product without the real one.

Terms: an *account* is a person with a mailbox, a calendar and an address book; the *owner* is the account
into which a Takeout folder was loaded; a *fault* is something that was asked to go wrong (`faults`); the
*clock* is Google's own and can be moved (`clock`); *control* is the way in for whoever plays the user or
the weather (`/_control`, never a path of Google's).

Invariants: it imports nothing of the product; it listens on loopback alone and makes no outside
connection; mail stays in the Takeout folder and is read at an offset; what changed lives in the state
folder, so that a restart keeps tokens and changes; the same folder gives the same ids.

Differs from Google, beyond what each module says of its own part:

- no password, no second factor: choosing an account is signing in;
- plain HTTP on one port for every host of Google's;
- the searches `q` of plain words look at headers and the first text part, not at attachments;
- `fields` masks are not applied: answers are complete;
- quota is counted per user and minute in fixed windows; there is no project-wide limit;
- ids and threads of a loaded folder follow from its content, not from Google's numbering.
"""
