"""The peers: what others, or nothing but the bare work, take on this machine in this run."""

import json
import os
import subprocess
import sys
import time
import urllib.parse

import pymerkle
import requests
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.person import BenchError, answer_google
from bench.stack import ROOT, Stack

READ_MAIL = "https://www.googleapis.com/auth/gmail.readonly"


def naive_import(stack: Stack) -> float:
    """Return the CPU seconds per 1,000 messages of Google's own client that fetches and keeps nothing."""
    done = subprocess.run(  # noqa: S603 -- our own program, no shell
        [sys.executable, "-m", "bench.naive_google", stack.google],
        cwd=ROOT,
        input=_access_token(stack),
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    if done.returncode:
        msg = f"the naive client failed: {done.stderr.strip()[-500:]}"
        raise BenchError(msg)
    told = json.loads(done.stdout)
    return float(told["cpu_s"]) / int(told["messages"]) * 1000


def _access_token(stack: Stack) -> str:
    """Return a token of the mailbox's owner, got as any client gets one."""
    back = f"{stack.url}/oauth/callback"
    client = stack.environment["GOOGLE_CLIENT_ID"]
    asked = {"client_id": client, "redirect_uri": back, "response_type": "code", "scope": READ_MAIL, "state": "bench"}
    web = requests.Session()
    page = web.get(f"{stack.google}/o/oauth2/v2/auth", params={**asked, "prompt": "consent"}, timeout=30)
    for _ in range(3):
        page = answer_google(web, page, stack.owner, follow=False)
        where = page.headers.get("Location", "")
        if where.startswith(back):
            code = urllib.parse.parse_qs(urllib.parse.urlsplit(where).query)["code"][0]
            return _exchange(stack, client, back, code)
    msg = "the local Google gave no code"
    raise BenchError(msg)


def _exchange(stack: Stack, client: str, back: str, code: str) -> str:
    said = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "client_id": client}
    said["client_secret"] = stack.environment["GOOGLE_CLIENT_SECRET"]
    answer = requests.post(f"{stack.google}/token", data=said, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def pymerkle_append(leaves: int) -> float:
    """Return the leaves a second that pymerkle appends to a tree in memory, storing and signing nothing."""
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    entry = os.urandom(700)
    began = time.perf_counter()
    for _ in range(leaves):
        tree.append_entry(entry)
    return leaves / (time.perf_counter() - began)


def bare_cipher_us(count: int = 20_000) -> tuple[float, float]:
    """Return the CPU microseconds of AES-256-GCM alone: to encrypt, and to decrypt and encrypt again."""
    cipher, text, place = AESGCM(os.urandom(32)), b"A subject line of middling length, as mail has them", os.urandom(60)
    began = time.process_time()
    for _ in range(count):
        nonce = os.urandom(12)
        sealed = nonce + cipher.encrypt(nonce, text, place)
    once = time.process_time()
    for _ in range(count):
        nonce = os.urandom(12)
        sealed = nonce + cipher.encrypt(nonce, cipher.decrypt(sealed[:12], sealed[12:], place), place)
    return (once - began) / count * 1e6, (time.process_time() - once) / count * 1e6
