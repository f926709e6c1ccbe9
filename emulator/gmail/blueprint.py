"""The blueprint to which every module of Gmail's methods adds its own."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("gmail", __name__)
ROOT = "/gmail/v1/users/<user>"
