// A file that is too big is refused before it is sent.
"use strict";
document.addEventListener("submit", (event) => {
  const most = Number(event.target.dataset.mostBytes), file = event.target.querySelector("input[type=file]")?.files[0];
  if (!most || !file || event.submitter?.hasAttribute("formaction") || file.size <= most) return;
  event.preventDefault();
  event.target.querySelector(".error").textContent = event.target.dataset.tooBig;
  event.target.querySelector("input[type=file]").setAttribute("aria-invalid", "true");
});
