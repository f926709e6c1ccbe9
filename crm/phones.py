"""Telephone numbers as text: one form for equality, one for reading. Pure."""

import phonenumbers


def normalise(text: str, region: str | None = None) -> str | None:
    """Return the number in E.164 (+14155550100), or None when it cannot be one.

    A number without its country code needs `region` (ISO 3166-1 alpha-2).
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
