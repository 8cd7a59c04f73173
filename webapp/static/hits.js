// The cards that may be the one being typed, by keyboard: down from a field to its list, up and down in it, Enter for the
// same, A for another one, N for not sure, Escape back to the field. Nothing here takes the focus unasked, and Tab goes
// from field to field.
(() => {
  let left = ""; // the id of the field that was left for its list: the field itself may be replaced meanwhile
  const field = () => document.getElementById(left);
  const cardsIn = (list) => (list ? [...list.querySelectorAll("[data-hit-card]")] : []);
  // The form of a new card has one list for all its fields, the desk has one under each.
  const cardsOf = (input) => {
    if (!input) return [];
    if (input.matches("[data-keyed]")) return cardsIn(document.getElementById("hits"));
    const described = input.matches("input") ? input.getAttribute("aria-describedby") : "";
    return /^hits-/.test(described || "") ? cardsIn(document.getElementById(described)) : [];
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const here = event.target.closest("[data-hit-card]");
    if (!here) {
      const cards = event.key === "ArrowDown" ? cardsOf(event.target) : [];
      if (!cards.length) return;
      left = event.target.id;
      cards[0].focus();
    } else {
      const all = cardsIn(here.parentElement);
      const place = all.indexOf(here);
      const key = { KeyA: "other", KeyN: "unsure" }[event.code] || (event.key === "Enter" && event.target === here && "same");
      if (event.key === "ArrowDown") (all[place + 1] || here).focus();
      else if (event.key === "ArrowUp" && place) all[place - 1].focus();
      else if (event.key === "Escape" || event.key === "ArrowUp") field()?.focus();
      else if (key && !event.repeat) here.querySelector(`[data-hit="${key}"]`).click();
      else return;
    }
    event.preventDefault();
    event.stopPropagation(); // these keys mean something else to the rest of the desk
  }, true);
  // Whoever answers by key stays in the list, or comes back to the field when nothing is left of it.
  let kept = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const card = document.activeElement.closest("[data-hit-card]");
    if (!card || !event.detail.target.contains(card)) return;
    kept = cardsIn(card.parentElement).indexOf(card);
  });
  document.addEventListener("htmx:afterSettle", () => {
    const place = kept;
    kept = null;
    if (place === null || document.activeElement.closest("[data-hit-card]")) return;
    const all = cardsOf(field());
    (all[Math.min(place, all.length - 1)] || field())?.focus();
  });
})();
