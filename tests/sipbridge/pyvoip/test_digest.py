"""Digest proofs against the examples printed in RFC 2617 and RFC 7616."""

from __future__ import annotations

import re

import pytest

from sipbridge.pyvoip import digest


def parts(proof: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^\s,]+)', proof)}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(monkeypatch: pytest.MonkeyPatch, algorithm: str, response: str) -> None:
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr("secrets.token_hex", lambda size: cnonce)
    header = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    challenge = digest.read(header)
    assert challenge
    proof = parts(challenge.authorization("Mufasa", "Circle of Life", "GET", "/dir/index.html"))
    assert proof["response"] == response
    assert (proof["nc"], proof["qop"]) == ("00000001", "auth")


def test_without_quality_of_protection() -> None:
    challenge = digest.read('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"')
    assert challenge
    proof = parts(challenge.authorization("Mufasa", "Circle Of Life", "GET", "/dir/index.html"))
    assert proof["response"] == "670fd8c2df070c60b045671b8b24ff02"  # RFC 2069 as corrected
    assert "nc" not in proof and "cnonce" not in proof


def test_the_strongest_is_taken_and_basic_never() -> None:
    md5, sha = ('Digest realm="r", nonce="a"', 'Digest realm="r", nonce="b", algorithm=SHA-256')
    best = digest.best(['Basic realm="r"', md5, sha])
    assert best and best.nonce == "b"
    assert digest.best(['Basic realm="r"']) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Digest",
        'Digest nonce="a"',
        'Digest realm="r"',
        'Digest realm="r", nonce="a", algorithm=SHA-1',
        'Digest realm="r", nonce="a", qop="auth-int"',
        'NoOneKnowsThisScheme opaque-data="here"',
    ],
)
def test_what_can_not_be_answered(header: str) -> None:
    assert digest.read(header) is None


def test_quotes_and_backslashes_survive() -> None:
    challenge = digest.read(r'Digest realm="a \"b\" \\c", nonce="n", stale=TRUE')
    assert challenge and challenge.realm == r'a "b" \c' and challenge.stale
    assert r'realm="a \"b\" \\c"' in challenge.authorization("u", "p", "REGISTER", "sip:x")
