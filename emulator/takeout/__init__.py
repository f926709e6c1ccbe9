"""A Google Takeout folder, read as the data of one account.

Mail is indexed where it lies (`mbox`), contacts and calendars are read into the store. Every item of the
folder is either loaded or counted as unreadable; nothing is dropped silently.
"""
