// A number's page by keys: 1 to 5 are the results, V calls, Ctrl+Enter agrees a meeting; Escape leaves a field.
(() => {
  function open(button) {
    for (const other of document.querySelectorAll("[data-panel]")) {
      const mine = other === button;
      other.setAttribute("aria-expanded", String(mine));
      document.getElementById(`panel-${other.dataset.panel}`).hidden = !mine;
    }
    document.querySelector(`#panel-${button.dataset.panel} input:not([type=hidden])`).focus();
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-panel]");
    if (button) open(button);
  });
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.repeat) return;
    const meeting = document.getElementById("meeting");
    if (meeting && event.key === "Enter") {
      if (event.ctrlKey || event.metaKey) meeting.requestSubmit();
      else if (!event.target.matches("input:not([type=radio])")) return;
      event.preventDefault(); // Enter in one of many fields hands nothing over
      return;
    }
    const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && typing) { event.target.blur(); return; }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = /^(?:Digit|Numpad)([1-5])$/.exec(event.code);
    const button = key && document.querySelector(`[data-result="${key[1]}"]`);
    const dial = event.code === "KeyV" && document.querySelector('.list-call [data-key="V"]:not(:disabled)');
    if (!button && !dial) return;
    event.preventDefault();
    (button || dial).click();
  });
  // Two clicks are one.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "1";
  });
  addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });
})();
