// The cards that may be the one being typed, by keyboard: down from a field to the list, up and down in it, Enter for the
// same, A for another one, N for not sure, Escape back to the field. Nothing here takes the focus unasked.
(() => {
  let field = null;
  const cards = () => [...document.querySelectorAll("#hits [data-hit-card]")];
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const here = event.target.closest("[data-hit-card]");
    if (!here) {
      if (event.key !== "ArrowDown" || !event.target.matches("[data-keyed]") || !cards().length) return;
      field = event.target;
      cards()[0].focus();
    } else {
      const all = cards();
      const place = all.indexOf(here);
      const key = { KeyA: "other", KeyN: "unsure" }[event.code] || (event.key === "Enter" && event.target === here && "same");
      if (event.key === "ArrowDown") (all[place + 1] || here).focus();
      else if (event.key === "ArrowUp" && place) all[place - 1].focus();
      else if (event.key === "Escape" || event.key === "ArrowUp") (field || document.getElementById("new-name")).focus();
      else if (key && !event.repeat) here.querySelector(`[data-hit="${key}"]`).click();
      else return;
    }
    event.preventDefault();
  });
  // Whoever answers by key or click stays in the list.
  let place = -1;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "hits") place = cards().findIndex((card) => card.contains(document.activeElement));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "hits" || place < 0) return;
    const all = cards();
    (all[Math.min(place, all.length - 1)] || field || document.getElementById("new-name")).focus();
    place = -1;
  });
})();
