"""A: making text, bytes or a document of a guarded value in the ways the language and its libraries have."""

# ruff: noqa: UP030, UP031, UP032, FLY002, PLW0108 -- each line spells out one way in which people make text

import base64
import binascii
import codecs
import configparser
import csv
import decimal
import email.message
import hashlib
import html
import http.cookies
import io
import json
import locale
import logging
import plistlib
import re
import shlex
import string
import struct
import textwrap
import tomllib
import urllib.parse
import xml.etree.ElementTree as ET
import zlib
from typing import Any

import markupsafe
import orjson

from limited_use.sealing import SealedError
from tests.leaks.registry import Act, attempt


def text(name: str, technique: str, act: Act, corpus: int | tuple[int, ...] = (), refused: Any = SealedError) -> None:
    """Register a way of making text; it is refused."""
    attempt(name, sink="text", technique=technique, corpus=corpus, refused=refused)(act)


def data(name: str, technique: str, act: Act, corpus: int | tuple[int, ...] = (), refused: Any = TypeError) -> None:
    """Register a way of writing a document or bytes; it is refused."""
    attempt(name, sink="document", technique=technique, corpus=corpus, refused=refused)(act)


text("A1-str", "str()", lambda value: str(value), 1)
text("A2-fstring", "f-string", lambda value: f"Dear {value},", 2)
text("A2-fstring-width", "f-string with a format spec", lambda value: f"{value:>40.10s}", 2)
text("A2-fstring-s", "f-string with !s", lambda value: f"{value!s}", 2)
text("A3-percent-s", "% formatting with s", lambda value: "%s" % value, 3)
text("A3-percent-d", "% formatting with d", lambda value: "%d" % value, 3, TypeError)
text("A3-percent-c", "% formatting with c", lambda value: "%c" % value, 3, TypeError)
text("A3-percent-map", "% formatting from a mapping", lambda value: "%(v)s" % {"v": value}, 3)
text("A4-format", "str.format", lambda value: "{:>40}".format(value), 4)
text(
    "A4-format-attribute",
    "str.format reaching for an attribute",
    lambda value: "{0.value}".format(value),
    4,
    AttributeError,
)
text("A4-format-item", "str.format reaching for an item", lambda value: "{0[0]}".format(value), 4)
text("A4-builtin", "format()", lambda value: format(value, "s"), 4)
text("A4-formatter", "string.Formatter", lambda value: string.Formatter().vformat("{0}", (value,), {}), 4)
text("A5-join", "str.join", lambda value: ", ".join([value]), 5, TypeError)
text("A5-join-characters", "str.join over its characters", lambda value: "".join(value), 5, TypeError)
text("A6-plus", "concatenation", lambda value: value + "", 6, TypeError)
text("A6-plus-left", "concatenation from the left", lambda value: "" + value, 6, TypeError)
text("A6-times", "repetition", lambda value: value * 1, 6, TypeError)
text("A6-modulo", "the value as a format", lambda value: value % (), 6, TypeError)
text("A16-template", "string.Template", lambda value: string.Template("$v").substitute(v=value), 16)
text("A16-safe", "string.Template, safely", lambda value: string.Template("$v $w").safe_substitute(v=value), 16)
text("A16-format-map", "str.format_map", lambda value: "{v}".format_map({"v": value}), 16)
text("A16-wrap", "textwrap", lambda value: textwrap.wrap(value), (), AttributeError)
text("A16-markup", "markupsafe.Markup", lambda value: markupsafe.Markup("<b>%s</b>") % value, 71)
text("A16-escape", "markupsafe.escape", lambda value: markupsafe.escape(value), 71)
text("A16-html-escape", "html.escape", lambda value: html.escape(value), (), AttributeError)
text("A16-quote", "urllib quote", lambda value: urllib.parse.quote(value), (), TypeError)
text("A16-urlencode", "urllib urlencode", lambda value: urllib.parse.urlencode({"q": value}), (), TypeError)
text("A16-shell", "shlex.quote", lambda value: shlex.quote(value), (), TypeError)
text("A16-sub", "re.sub", lambda value: re.sub("x", "y", value), (), TypeError)
text("A16-print", "print", lambda value: print(value), (), SealedError)  # noqa: T201 -- the attempt
text("A16-write", "writing to a text file", lambda value: io.StringIO().write(value), (), TypeError)
text("A16-locale", "locale formatting", lambda value: locale.format_string("%s", value), ())
text("A16-log-formatter", "a log formatter", lambda value: logging.Formatter().formatMessage(value), (), AttributeError)

data("A8-json", "json.dumps", lambda value: json.dumps({"v": value}), 8)
data("A8-json-str", "json.dumps with default=str", lambda value: json.dumps(value, default=str), 8)
data("A8-json-vars", "json.dumps with default=vars", lambda value: json.dumps(value, default=vars), 8)
data(
    "A8-json-dict",
    "json.dumps with default reading __dict__",
    lambda value: json.dumps(value, default=lambda v: v.__dict__),
    8,
    AttributeError,
)
data(
    "A8-json-slots",
    "json.dumps with default reading __slots__ by public names",
    lambda value: json.dumps(value, default=lambda v: v.value),
    8,
    AttributeError,
)
data("A8-json-key", "json.dumps with the value as a key", lambda value: json.dumps({value: 1}), 8)
data("A8-json-encoder", "a JSON encoder that iterates", lambda value: json.dumps(value, default=list), 8)
data("A8-orjson", "orjson", lambda value: orjson.dumps(value), 8)
data("A8-orjson-str", "orjson with default=str", lambda value: orjson.dumps(value, default=str), 8)
data("A15-bytes", "bytes()", lambda value: bytes(value), 15)
data("A15-bytearray", "bytearray()", lambda value: bytearray(value), 15)
data("A15-memoryview", "memoryview()", lambda value: memoryview(value), 15)
data("A15-struct", "struct.pack", lambda value: struct.pack("20s", value), 15, struct.error)
data("A15-hash", "hashlib", lambda value: hashlib.sha256(value), 15)
data("A15-crc", "zlib.crc32", lambda value: zlib.crc32(value), 15)
data("A15-compress", "zlib.compress", lambda value: zlib.compress(value), 15)
data("A15-base64", "base64", lambda value: base64.b64encode(value), 15)
data("A15-hexlify", "binascii", lambda value: binascii.hexlify(value), 15)
data("A15-codec", "codecs.encode", lambda value: codecs.encode(value, "rot13"), 15)
data("A15-join-bytes", "bytes.join", lambda value: b"".join([value]), 15)
data("A15-file", "writing to a binary file", lambda value: io.BytesIO().write(value), 15)
data("A67-csv", "csv.writer", lambda value: csv.writer(io.StringIO()).writerow([value]), ())
data("A67-dictwriter", "csv.DictWriter", lambda value: csv.DictWriter(io.StringIO(), ["v"]).writerow({"v": value}), ())
data("A67-xml", "ElementTree text", lambda value: _xml(value))
data("A67-toml", "tomllib", lambda value: tomllib.loads(value), (), AttributeError)
data("A67-plist", "plistlib", lambda value: plistlib.dumps({"v": value}))
data("A67-ini", "configparser", lambda value: configparser.ConfigParser().read_dict({"a": {"v": value}}))
data("A67-cookie", "http.cookies", lambda value: http.cookies.SimpleCookie({"v": value}).output())
data(
    "A68-mail",
    "a mail's header",
    lambda value: email.message.EmailMessage().add_header("Subject", value),
    68,
    (TypeError, AttributeError),
)
data(
    "A68-mail-body",
    "a mail's body",
    lambda value: email.message.EmailMessage().set_content(value),
    68,
    (TypeError, AttributeError, KeyError),
)
data("A15-decimal", "Decimal", lambda value: decimal.Decimal(value))


def _xml(value: object) -> bytes:
    element = ET.Element("v")
    element.text = value  # type: ignore[assignment] # the attempt
    return ET.tostring(element)
