from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from sipbridge import directory
from sipbridge.directory import DirectoryError
from sipbridge.events import Directory, PhoneSecret, WireError, to_wire

GOOD = PhoneSecret("0" * 31 + "a", "f" * 64)
DIRECTORY = Directory("7", "second ring.desk-1", {"anna": GOOD, "борис+2": GOOD})


def test_a_directory_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "bridge" / "directory.json"
    assert directory.load(path) is None
    directory.save(path, DIRECTORY)
    directory.save(path, replace(DIRECTORY, version="8"))
    assert directory.load(path) == replace(DIRECTORY, version="8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["directory.json"]


def test_a_save_that_fails_leaves_the_old_one_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    directory.save(path, DIRECTORY)
    with pytest.raises(UnicodeEncodeError):
        directory.save(path, replace(DIRECTORY, realm="\ud800"))
    assert directory.load(path) == DIRECTORY
    assert [file.name for file in tmp_path.iterdir()] == ["directory.json"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"[" * 5000, b"\xff\xfe", b'{"version": "1", "realm": "desk"}', b'{"version": 1, "realm": "x"}'],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "directory.json"
    path.write_bytes(content)
    with pytest.raises(WireError):
        directory.load(path)


@pytest.mark.parametrize("realm", ["", "a" * 65, 'x", nonce="y', "a\r\nb", "бюро", " desk", "desk\\"])
def test_a_realm_that_would_break_a_header_is_refused(realm: str) -> None:
    with pytest.raises(DirectoryError, match="realm"):
        directory.check_directory(replace(DIRECTORY, realm=realm))


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("", GOOD),
        ("a" * 65, GOOD),
        ("anna\r\n", GOOD),
        (" anna", GOOD),
        ("an\u202ena", GOOD),
        ("anna", replace(GOOD, md5="")),
        ("anna", replace(GOOD, md5="F" * 32)),
        ("anna", replace(GOOD, sha256="f" * 63)),
        ("anna", replace(GOOD, sha256="geheim" * 10)),
    ],
)
def test_users_who_could_never_register_are_refused(tmp_path: Path, name: str, secret: PhoneSecret) -> None:
    bad = Directory("1", "desk", {"vera": GOOD, name: secret})
    with pytest.raises(DirectoryError, match="user 2") as told:
        directory.check_directory(bad)
    assert "geheim" not in str(told.value)
    directory.save(tmp_path / "directory.json", bad)
    with pytest.raises(DirectoryError):
        directory.load(tmp_path / "directory.json")


def test_a_directory_without_end_is_refused() -> None:
    with pytest.raises(DirectoryError, match="at most 10000"):
        directory.check_directory(Directory("1", "desk", {str(n): GOOD for n in range(10_001)}))
    assert to_wire(directory.check_directory(Directory("1", "desk", {})))["users"] == {}
