// Players of recordings: one sounds at a time; space and the arrows work as in any player.
"use strict";
(() => {
  const clock = (seconds) => {
    const whole = Math.floor(seconds), minutes = Math.floor(whole / 60) % 60, rest = String(whole % 60).padStart(2, "0");
    return whole < 3600 ? `${minutes}:${rest}` : `${Math.floor(whole / 3600)}:${String(minutes).padStart(2, "0")}:${rest}`;
  };

  function prepare(player) {
    if (player.dataset.ready) return;
    player.dataset.ready = "yes";
    const audio = player.querySelector("audio"), seek = player.querySelector("[data-seek]");
    const play = player.querySelector("[data-play]"), time = player.querySelector("[data-time]");
    const played = player.querySelector("[data-played]"), head = player.querySelector("[data-head]");
    const length = () => Number.isFinite(audio.duration) ? audio.duration : Number(player.dataset.seconds);
    let wanted = null;  // where to begin once the file is there

    audio.removeAttribute("controls");
    player.querySelector("[data-bar]").hidden = false;
    seek.hidden = false;

    const show = () => {
      const at = wanted ?? audio.currentTime, share = length() ? Math.min(100, 100 * at / length()) : 0;
      time.textContent = clock(at);
      seek.value = at;
      seek.setAttribute("aria-valuetext", clock(at));
      if (played) {
        played.setAttribute("width", `${share}%`);
        head.setAttribute("x1", `${share}%`);
        head.setAttribute("x2", `${share}%`);
      }
    };
    const jump = (at) => {
      if (audio.readyState > 0) audio.currentTime = at;
      else wanted = at;
      show();
    };
    const toggle = () => audio.paused ? audio.play().catch(() => {}) : audio.pause();
    const state = () => {
      player.toggleAttribute("data-playing", !audio.paused);
      play.setAttribute("aria-label", audio.paused ? play.dataset.wordPlay : play.dataset.wordPause);
    };

    audio.addEventListener("loadedmetadata", () => {
      seek.max = length();
      if (wanted !== null) [audio.currentTime, wanted] = [wanted, null];
    });
    audio.addEventListener("timeupdate", show);
    audio.addEventListener("pause", state);
    audio.addEventListener("play", () => {
      for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
      state();
    });
    play.addEventListener("click", toggle);
    seek.addEventListener("input", () => jump(Number(seek.value)));
    seek.addEventListener("keydown", (event) => {
      const step = {ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30}[event.key];
      if (event.key === " " || event.key === "Enter") toggle();
      else if (step) jump(Math.max(0, Math.min(length(), (wanted ?? audio.currentTime) + step)));
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    player.addEventListener("click", (event) => {
      const speed = event.target.closest("[data-speed]"), mark = event.target.closest("[data-jump]");
      if (mark) jump(Number(mark.dataset.jump));
      if (!speed) return;
      audio.playbackRate = audio.defaultPlaybackRate = Number(speed.dataset.speed);
      for (const one of player.querySelectorAll("[data-speed]")) one.setAttribute("aria-pressed", String(one === speed));
    });
  }

  const all = () => document.querySelectorAll("[data-player]").forEach(prepare);
  document.addEventListener("htmx:load", all);
  document.addEventListener("DOMContentLoaded", all);
  if (document.readyState !== "loading") all();
})();
