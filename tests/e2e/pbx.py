"""An office's PBX: a Kamailio at which telephones and the bridge's line register, and through which callers come.

It keeps nothing on disk: killed and started again it knows nobody, until they register.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.e2e.installation import sip_answers, wait_for
from tests.ports import free_port

SETTINGS = """
log_stderror=yes
debug=1
children=2
disable_tcp=yes
auto_aliases=no
listen=udp:{address}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", {expires})
modparam("tm", "fr_timer", 4000)

request_route {{
    if (!mf_process_maxfwd_header("20")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (is_method("OPTIONS") && uri==myself) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    if (is_method("CANCEL") || (is_method("ACK") && !has_totag())) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        if (loose_route() || (is_method("ACK") && t_check_trans())) {{
            t_relay();
        }} else if (!is_method("ACK")) {{
            sl_send_reply("404", "Not Found");
        }}
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("office", "{password}", "0")) {{
            www_challenge("office", "0");
            exit;
        }}
        save("location");
        exit;
    }}
    if (!lookup("location")) {{
        sl_send_reply("404", "Not Found");
        exit;
    }}
    record_route();
    t_relay();
}}
"""


class Pbx:
    """Whoever knows `password` may register under any name, for `expires` seconds at most."""

    def __init__(self, folder: Path, expires: int) -> None:
        self.folder = folder / "pbx"
        self.folder.mkdir()
        self.port = free_port()
        self.sip = f"127.0.0.1:{self.port}"
        self.password = "of-the-office"
        settings = SETTINGS.format(address=self.sip, expires=expires, password=self.password)
        (self.folder / "kamailio.cfg").write_text("#!KAMAILIO\n" + settings)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it can be reached."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["kamailio", "-f", "kamailio.cfg", "-DD", "-E", "-m", "32", "-Y", ".", "-P", "pid", "-w", "."],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._is_up)

    def _is_up(self) -> bool:
        assert self._process is not None and self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
        return sip_answers(self.port)

    def kill(self) -> None:
        """kill -9, with all its processes: they are a group of their own."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)
            self._process = None

    def account(self, user: str) -> str:
        """The account of a baresip that registers here as `user`."""
        return f"<sip:{user}@{self.sip}>;auth_user={user};auth_pass={self.password};regint=20"
