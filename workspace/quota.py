"""Staying within Google's quota: what every call costs, and how much an account has spent in the last minute.

Google refuses the call that passes its limit and punishes hammering, so nothing is sent that the account has no
units for. Each spend is counted in Redis under its second, by one atomic script for all workers; a window somewhat
longer than a minute covers the time a request travels. Against a bucket that refills at a steady rate this uses
the whole quota without ever passing it in any minute, however the minute is cut. A small reserve is kept for
what a person waits for.
"""

import functools
import hashlib
import math
import time
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any, Protocol

from workspace.documents import Api
from workspace.errors import Paced

if TYPE_CHECKING:
    import redis

WINDOW_S = 61
PATIENCE_S = 1.5
_RESERVE = 0.01

_SPEND = """
local now = tonumber(redis.call('TIME')[1])
local cost, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local spent, ages = 0, {}
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local second, units = tonumber(entries[i]), tonumber(entries[i + 1])
  if second <= now - window then redis.call('HDEL', KEYS[1], entries[i])
  else spent = spent + units; ages[#ages + 1] = {second, units} end
end
if spent + cost <= limit or spent == 0 then
  redis.call('HINCRBY', KEYS[1], now, ARGV[1])
  redis.call('EXPIRE', KEYS[1], window + 1)
  return 0
end
table.sort(ages, function(a, b) return a[1] < b[1] end)
local freed = 0
for _, age in ipairs(ages) do
  freed = freed + age[2]
  if spent - freed + cost <= limit then return age[1] + window - now end
end
return window
"""


class Meter(Protocol):
    """Whatever counts what an account spends."""

    def spend(self, account: str, api: Api, units: int, *, urgent: bool = False) -> None:
        """The units are spent. Raises Paced when they cannot be spent soon."""
        ...


@functools.lru_cache(maxsize=1)
def _table() -> Mapping[str, Mapping[str, int]]:
    return tomllib.loads(resources.files("workspace").joinpath("quota.toml").read_text())


@functools.lru_cache(maxsize=64)
def units_of(method_id: str) -> int:
    """Return what one call of `gmail.users.messages.get` costs; an unlisted method of Gmail is a mistake of ours."""
    api, _, name = method_id.partition(".")
    return _table()["gmail"][name] if api == Api.GMAIL else 1


class SharedMeter:
    """The meter that all processes share through Redis."""

    def __init__(self, client: "redis.Redis", gmail_units_per_minute: int) -> None:
        listed = _table()["per_minute"]
        self.limits = {api: max(1, listed[api] * gmail_units_per_minute // listed[Api.GMAIL]) for api in Api}
        self._script: Any = client.register_script(_SPEND)

    def spend(self, account: str, api: Api, units: int, *, urgent: bool = False) -> None:
        """The units are counted, after a short wait if need be.

        Raises:
            Paced: when they would have to be waited for longer than a worker should be held.
        """
        waited = 0.0
        while wait := self.wait_s(account, api, units, urgent=urgent):
            if waited + wait > PATIENCE_S:
                raise Paced(after_s=wait)
            time.sleep(wait)
            waited += wait

    def wait_s(self, account: str, api: Api, units: int, *, urgent: bool = False) -> float:
        """Return 0 after counting the units, or for how many seconds they cannot be spent."""
        limit = self.limits[api]
        if not urgent:
            limit -= math.ceil(limit * _RESERVE)
        return float(self._script(keys=[_key(account, api)], args=[units, limit, WINDOW_S]))


def _key(account: str, api: Api) -> str:
    """Return where an account's spending is counted; the account itself is not readable from it."""
    return f"quota:{api}:{hashlib.sha256(account.encode()).hexdigest()[:32]}"
