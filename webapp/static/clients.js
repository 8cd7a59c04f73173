// The search box by keyboard, a card that refreshes when it changed, fields that send themselves again when the
// connection is back.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const box = document.getElementById("q");
  const results = document.getElementById("results");
  if (!box || !results) return;
  const links = [...results.querySelectorAll("a.result")];
  const here = links.indexOf(document.activeElement);
  if (document.activeElement !== box && here < 0) return;
  if (event.key === "ArrowDown" && links[here + 1]) {
    links[here + 1].focus();
  } else if (event.key === "ArrowUp" && here >= 0) {
    (links[here - 1] || box).focus();
  } else if (event.key === "Enter" && here < 0 && links[0] && results.dataset.for === box.value) {
    links[0].click();
  } else return;
  event.preventDefault();
});

// Another client's card changed: nothing here does.
document.addEventListener("sse:card", (event) => {
  const mine = event.target.dataset && event.target.dataset.client;
  if (mine && event.detail && event.detail.data !== mine) event.stopPropagation();
}, true);

function mark(event, unsaved) {
  const field = event.target.closest && event.target.closest("[data-autosave]");
  if (!field) return;
  field.closest(".field, .point")?.classList.toggle("unsaved", unsaved);
  field.toggleAttribute("data-unsaved", unsaved);
}
document.addEventListener("htmx:sendError", (event) => mark(event, true));
document.addEventListener("htmx:responseError", (event) => mark(event, event.detail.xhr.status >= 500));
document.addEventListener("stream:back", () => {
  for (const field of document.querySelectorAll("[data-unsaved]")) {
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
addEventListener("beforeunload", (event) => {
  if (document.querySelector("[data-unsaved]")) event.preventDefault();
});

// V calls the first number of the card that may be called.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing || event.repeat) return;
  if (event.code !== "KeyV" || (document.activeElement && document.activeElement.matches("input, select, textarea"))) return;
  const button = document.querySelector('main [data-key="V"]:not(:disabled)');
  if (button) button.click();
});

// What somebody has unfolded stays so, with the cursor in it, when its part of the page comes anew.
let unfolded = [];
let within = "";
document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  unfolded = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
  within = part.contains(document.activeElement) && document.activeElement.closest("details[open][id]") ? document.activeElement.id : "";
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  if (within) document.getElementById(within)?.focus();
  unfolded = [];
  within = "";
});

// What somebody is typing among the deals, or has yet to choose, is not replaced under the hands.
document.addEventListener("htmx:beforeRequest", (event) => {
  const typing = document.activeElement;
  if (event.target.id !== "aside") return;
  if (event.target.querySelector(".conflict")) event.preventDefault();
  if (!typing || !event.target.contains(typing)) return;
  if (typing.matches("input") && typing.value !== typing.defaultValue) event.preventDefault();
});
