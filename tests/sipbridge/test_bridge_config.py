from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import pytest

from sipbridge.config import KNOWN, AccountConfig, Config, ConfigError, load


def config(tmp_path: Path, **settings: str) -> Config:
    return load({"SECONDRING_DATA": str(tmp_path)} | {f"SECONDRING_{name}": value for name, value in settings.items()})


def test_without_settings_everything_has_its_default(tmp_path: Path) -> None:
    found = config(tmp_path)
    assert found.data == tmp_path and found.bridge_folder == tmp_path / "bridge"
    assert (found.web, found.sip) == (("127.0.0.1", 8000), ("127.0.0.1", 5060))
    assert (len(found.rtp_ports), found.accounts, found.max_calls) == (2000, (), 100)
    assert [str(network) for network in found.peers] == ["127.0.0.0/8", "::1/128"]


def test_a_bridge_beside_another_has_a_name_and_a_folder_of_its_own(tmp_path: Path) -> None:
    found = config(tmp_path, BRIDGE="b")
    assert (found.name, found.bridge_folder) == ("b", tmp_path / "bridge-b")
    for name in ("../b", "B", "b c", "b" * 21):
        with pytest.raises(ConfigError, match="SECONDRING_BRIDGE"):
            config(tmp_path, BRIDGE=name)


def test_empty_means_default(tmp_path: Path) -> None:
    assert config(tmp_path, SIP="", PEERS=" ") == config(tmp_path)


def test_addresses_may_be_names_and_ipv6(tmp_path: Path) -> None:
    assert config(tmp_path, SIP="[::1]:5080").sip == ("::1", 5080)
    assert config(tmp_path, WEB="desk.office.example:80").web == ("desk.office.example", 80)


def test_accounts_are_read_and_their_pbx_becomes_a_peer(tmp_path: Path) -> None:
    found = config(tmp_path, ACCOUNTS="sales=101:p%40ss%3Aw@127.0.0.9:5070 102:x@[::1]")
    assert found.accounts == (
        AccountConfig("sales", "101", "p@ss:w", "127.0.0.9", 5070),
        AccountConfig("102", "102", "x", "::1", 5060),
    )
    assert [str(network) for network in found.peers] == ["127.0.0.0/8", "::1/128"], "they are of this machine"
    assert "p@ss" not in repr(found)


def test_the_pbx_and_this_machine_are_served(tmp_path: Path) -> None:
    found = config(tmp_path, SIP="192.0.2.20:5060", ACCOUNTS="a=1:x@192.0.2.10 b=2:x@192.0.2.10:5070")
    assert [str(network) for network in found.peers] == [
        "127.0.0.0/8",
        "::1/128",
        "192.0.2.20/32",
        "192.0.2.10/32",
    ]
    assert len(config(tmp_path, SIP="0.0.0.0:5060").peers) == 2, "no address in particular is no peer"


def test_named_peers_replace_the_default(tmp_path: Path) -> None:
    assert config(tmp_path, PEERS="10.1.2.3, 192.168.5.7/24\n2001:db8::/64").peers == (
        ipaddress.ip_network("10.1.2.3/32"),
        ipaddress.ip_network("192.168.5.0/24"),
        ipaddress.ip_network("2001:db8::/64"),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB", "8000"),
        ("WEB", "a b:1"),
        ("SIP", "127.0.0.1"),
        ("SIP", "127.0.0.1:0"),
        ("SIP", "127.0.0.1:65536"),
        ("SIP", "::1:5060"),
        ("RTP", "16384"),
        ("RTP", "20000-10000"),
        ("RTP", "80-90"),
        ("RTP", "16384-99999"),
        ("PEERS", "office"),
        ("PEERS", "10.0.0.0/33"),
        ("MAX_CALLS", "0"),
        ("MAX_CALLS", "many"),
        ("MAX_CALLS", "-1"),
        ("ACCOUNTS", "101@pbx"),
        ("ACCOUNTS", "101:hunter2@pbx:99999"),
        ("ACCOUNTS", "a=1:hunter2@127.0.0.1 a=2:hunter2@127.0.0.1"),
        ("ACCOUNTS", "a=1:hunter2@pbx b=1:hunter2@PBX:5060"),
        ("ACCOUNTS", "101:hunter2@no-such-host.invalid"),
    ],
)
def test_nonsense_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"SECONDRING_{name}") as told:
        config(tmp_path, **{name: value})
    assert "hunter2" not in str(told.value)


def test_the_file_in_the_data_folder_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "secondring.toml").write_text(
        'SECONDRING_SIP = "127.0.0.2:5062"\nSECONDRING_MAX_CALLS = 7\n'
        'SECONDRING_COUNTRY = "GR"\nDATABASE_URL = "sqlite://"\n'
    )
    found = config(tmp_path, MAX_CALLS="9")
    assert (found.sip, found.max_calls) == (("127.0.0.2", 5062), 9)


def test_a_named_file_may_say_where_the_data_are(tmp_path: Path) -> None:
    path = tmp_path / "etc.toml"
    path.write_text(f"SECONDRING_DATA = '{tmp_path / 'elsewhere'}'\n")
    assert load({"SECONDRING_CONFIG": str(path)}).data == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('SECONDRING_SPI = "127.0.0.1:5060"', "SECONDRING_SPI"),
        ("SECONDRING_SIP = [", "not a TOML file"),
        ('SECONDRING_PEERS = ["10.0.0.1"]', "SECONDRING_PEERS"),
        ('SECONDRING_MAX_CALLS = "x"', "SECONDRING_MAX_CALLS"),
    ],
)
def test_a_file_with_nonsense_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "secondring.toml").write_text(text)
    with pytest.raises(ConfigError, match=told):
        config(tmp_path)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SECONDRING_CONFIG: can't read"):
        config(tmp_path, CONFIG=str(tmp_path / "missing.toml"))


def test_a_file_in_the_data_folder_cannot_move_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "secondring.toml").write_text('SECONDRING_DATA = "/elsewhere"')
    with pytest.raises(ConfigError, match="SECONDRING_DATA"):
        config(tmp_path)


def test_every_setting_of_the_handbook_may_stand_in_the_file() -> None:
    table = (Path(__file__).parents[2] / "docs" / "operations.md").read_text().split("## What", 1)[0]
    told = {
        name for row in re.findall(r"^\| (`SECONDRING_.*)", table, re.M) for name in re.findall(r"SECONDRING_\w+", row)
    }
    assert len(told) > 10 and told <= KNOWN
