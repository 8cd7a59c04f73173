// Buttons under a field that is being typed in: cards that may be the same, ways out of a conflict. What comes for the
// field replaces them at any moment, and a click is lost when its button goes between the press and the release.
(() => {
  const BUTTON = "[data-hit], [data-choice]";
  // Pressing one does not leave the field: leaving would save it, and that has an answer too.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest(BUTTON)) event.preventDefault();
  });
  // What comes in the middle of a press is older than what the click brings.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.querySelector(`:is(${BUTTON}):active`)) event.detail.shouldSwap = false;
  });
})();
