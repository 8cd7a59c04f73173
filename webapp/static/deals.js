// Held deals by keyboard: Enter behind the reason approves, and the cursor goes on to the next one's reason.
"use strict";
let asked = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  asked = event.target.closest?.("[data-held]")?.id ?? "";
});
document.addEventListener("htmx:afterSettle", () => {
  let row = asked ? document.getElementById(asked) : null;
  asked = "";
  while (row && !row.querySelector("input[name=why]")) row = row.nextElementSibling;
  row?.querySelector("input[name=why]").focus();
});
