// Held deals by keyboard: Enter behind the reason approves, and the cursor goes on to the next one's reason.
document.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
  if (!target.matches("[data-held]")) return;
  let row = document.getElementById(target.id);
  while (row && !row.querySelector("input[name=why]")) row = row.nextElementSibling;
  row?.querySelector("input[name=why]").focus();
});
