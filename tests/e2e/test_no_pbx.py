"""No PBX: softphones register straight at the bridge with the secret of the user's page, and are rung."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.e2e import hearing, linphone
from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.linphone import Linphone
from tests.e2e.office import KNOWN, Desk
from tests.e2e.phones import Softphone, needs
from tests.ports import free_port


@needs("linphonec")
def test_two_softphones_of_one_page_ring_and_the_first_takes_the_call(desk: Desk, sign_in: SignIn) -> None:
    desk.ring_long()
    page = sign_in("anna")
    page.goto(desk.url + "/me/softphone")
    page.get_by_role("button", name="Register my softphone").click()
    secret = page.locator("#secret").inner_text()
    link = page.locator("#link").input_value()
    ports = [free_port() for _ in range(2)]
    account = f"<sip:anna@{desk.sip};transport=udp>;auth_user=anna;auth_pass={secret};regint=120"

    known = desk.folder / "var" / "bridge" / "directory.json"  # within milliseconds; nobody scans faster
    wait_for(lambda: '"anna"' in known.read_text(), told="the bridge does not hear of the new secret")
    scanned = Linphone(desk.folder, "anna", ports[0], linphone.fetched(link), auto=False, hz=1000)
    try:
        expect(page.locator("#devices")).to_contain_text("Linphone")
        spoken_into = Softphone(desk.folder, "anna", ports[1], auto=False, account=account)
        desk.things.append(spoken_into)
        expect(page.locator("#devices")).to_contain_text("baresip")
        assert page.request.get(link).status == 404, "the settings were handed out twice"

        caller = desk.caller(KNOWN, hz=440)
        wait_for(scanned.rings, told="Linphone does not ring")
        wait_for(spoken_into.rings, told="baresip does not ring")
        scanned.answer()
        desk.call("talking", by="anna")
        wait_for(lambda: not spoken_into.rings(), told="baresip rings on")
        wait_for(lambda: hearing.seconds_of(caller.ears.heard, 1000) >= 0.8, told="the caller does not hear Linphone")
        scanned.hang_up()
        caller.ended()
        wait_for(lambda: hearing.seconds_of(scanned.heard, 440) >= 0.5, told="Linphone does not hear the caller")
        desk.call("ended", end="completed")

        (path,) = wait_for(lambda: list((desk.folder / "var" / "ladders").rglob("*.json")), told="the ladder")
        steps = json.loads(path.read_text())
        told = [(step["from"], step["first_line"].split(" sip:")[0]) for step in steps]
        assert told[0] == ("caller", "INVITE") and ("desk", "INVITE") in told
        assert len({step["call"] for step in steps}) == 3, "the caller and two telephones"

        page.reload()
        expect(page.locator("#secret")).to_have_count(0)
        expect(page.locator("#devices")).to_contain_text("baresip")  # reloading made no other secret

        page.get_by_role("button", name="Register no more").click()
        page.goto(desk.url + "/me/softphone")
        expect(page.locator("#devices")).not_to_contain_text("baresip")
    finally:
        scanned.close()
