// The secretary's keys: an element says which key is its own (data-key). The key of a colleague's row chooses it, and
// Enter there passes the caller on, as in any form; keys rest while a field is typed in.
(() => {
  const FIELD = "input:not([type=radio]):not([type=checkbox]), textarea, select";
  function keyName(event) {
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
    if (digit) return digit[1];
    const letter = /^Key([A-Z])$/.exec(event.code); // the place on the keyboard, whatever alphabet it writes
    return letter ? letter[1] : "";
  }
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey) return;
    const typing = event.target.matches(FIELD);
    if (event.key === "Escape" && typing) {
      event.target.blur();
      event.preventDefault();
      return;
    }
    const command = event.ctrlKey || event.metaKey;
    const name = command && event.key === "Enter" ? "Ctrl+Enter" : event.key === "Escape" ? "Escape" : keyName(event);
    if (!name || event.repeat || event.shiftKey || (name !== "Ctrl+Enter" && (typing || command))) return;
    const own = [...document.querySelectorAll(`main [data-key="${name}"]`)].find((one) => one.checkVisibility() && !one.disabled);
    if (!own) return;
    event.preventDefault();
    if (own.matches("[type=radio]")) own.checked = true;
    if (own.matches("[type=radio], textarea")) own.focus();
    else own.click();
  });
  // A message is for the colleague who is chosen in the list.
  document.addEventListener("htmx:afterSwap", (event) => {
    const chosen = document.querySelector(".colleague-pick:checked");
    const whom = event.detail.target.id === "pass" && event.detail.target.querySelector("select[name=to]");
    if (!chosen || !whom) return;
    const id = chosen.value.replace("user-", "");
    if ([...whom.options].some((one) => one.value === id)) whom.value = id;
  });
})();
