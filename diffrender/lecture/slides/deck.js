// A deck: steps are the acts of all slides in a row. Each plays to its stop, whose last frame then stands.
// `#presenter` after the address makes the same page the presenter's window, which is told by its opener what is shown.
"use strict";
const deck = JSON.parse(document.getElementById("deck").textContent);
const steps = deck.slides.flatMap((slide, s) =>
  slide.stops.map((stop, k) => ({ s, k, from: slide.begins[k], stop })));
const part = (id) => document.getElementById(id);
const stage = part("stage");
const middle = (slide, frame) => (Math.max(0, frame) + 0.5) / slide.fps;  // of a frame's time on screen, in seconds
const presenting = location.hash === "#presenter";
let at = 0, playing = false, begun = 0, other = null, begunAt = 0;

// ---- the stage -----------------------------------------------------------------------------------------------------
const videos = deck.slides.map(() => null);
function video(s) {
  if (!videos[s]) {
    const made = videos[s] = document.createElement("video");
    Object.assign(made, { preload: "auto", playsInline: true, src: deck.slides[s].video });
    stage.append(made);
  }
  return videos[s];
}

function show(s) {
  video(s).classList.add("on");
  videos.forEach((made, k) => {
    if (made && k !== s) { made.classList.remove("on"); made.pause(); }
    if (made && Math.abs(k - s) > 1) { made.removeAttribute("src"); made.load(); made.remove(); videos[k] = null; }
  });
  if (s + 1 < deck.slides.length) video(s + 1);
}

// The frames [from, stop) of step i; or at once its last one (play false), or its first (stop false).
function go(i, play = true, first = false) {
  at = Math.min(Math.max(i, 0), steps.length - 1);
  const step = steps[at], slide = deck.slides[step.s], shown = video(step.s);
  show(step.s);
  playing = play && !first;
  const here = shown.currentTime * slide.fps;
  const goesOn = play && !shown.ended && Math.abs(here - step.from) < 1.5 && step.from > 0;
  if (!goesOn) shown.currentTime = middle(slide, play || first ? step.from : step.stop - 1);
  if (playing) {
    begun = begun || Date.now();
    shown.play().catch((error) => {  // a browser may refuse sound; a pause that came first is no refusal
      if (error.name === "NotAllowedError" && playing) { shown.muted = true; shown.play().catch(() => {}); }
    });
    requestAnimationFrame(watch);
  } else {
    shown.pause();
    if (!first) settle(at);
  }
  tell();
}

function watch() {
  const step = steps[at], slide = deck.slides[step.s], shown = video(step.s);
  if (!playing) return;
  if (shown.ended || shown.currentTime >= middle(slide, step.stop - 1)) return stop();
  requestAnimationFrame(watch);
}

function stop() {
  playing = false;
  video(steps[at].s).pause();
  settle(at);
  tell();
}

// Let the last frame of step i stand: a busy browser may present one that it had decoded before the pause, or none.
function settle(i, tries = 5) {
  const step = steps[i], slide = deck.slides[step.s], shown = video(step.s);
  const check = (now, frame) => {
    if (at === i && !playing && tries && Math.round(frame.mediaTime * slide.fps) !== step.stop - 1) settle(i, tries - 1);
  };
  shown.requestVideoFrameCallback?.(check);
  shown.currentTime = middle(slide, step.stop - 1) + tries * 1e-4;  // another time than before, or nothing is presented
}

let started = false;
const act = {
  next() { if (playing) stop(); else if (!started) { started = true; go(0); } else if (at + 1 < steps.length) go(at + 1); },
  back() { playing || at === 0 ? go(at, true, true) : go(at - 1, false); if (at === 0) started = false; },
  again() { started = true; go(at); },
  down() { const k = steps.findIndex((step) => step.s > steps[at].s); if (k >= 0) { started = true; go(k); } },
  up() { const s = Math.max(0, steps[at].s - 1); started = true; go(steps.findIndex((step) => step.s === s)); },
  home() { started = false; go(0, true, true); },
  end() { started = true; go(steps.length - 1, false); },
  dark() { document.body.classList.toggle("dark"); },
  whole() { document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(); },
  help() { part("help").hidden = !part("help").hidden; },
  presenter() { other = open(location.href.split("#")[0] + "#presenter", "presenter", "width=1100,height=700"); },
};
const KEYS = {
  ArrowRight: "next", PageDown: "next", " ": "next", Enter: "next", ArrowLeft: "back", PageUp: "back", ArrowDown: "down",
  ArrowUp: "up", Home: "home", End: "end", r: "again", b: "dark", ".": "dark", f: "whole", "?": "help", p: "presenter",
};

// ---- hands ---------------------------------------------------------------------------------------------------------
addEventListener("keydown", (event) => {
  const name = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!name || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (presenting && !["whole", "help"].includes(name)) opener?.postMessage({ act: name }, "*"); else act[name]();
});
let down = null, asleep = 0;
stage.addEventListener("pointerdown", (event) => { down = event; });
stage.addEventListener("pointerup", (event) => {
  if (!down) return;
  const across = event.clientX - down.clientX;
  if (Math.abs(across) > 40) across < 0 ? act.next() : act.back();
  else event.clientX < innerWidth / 4 ? act.back() : act.next();
  down = null;
});
stage.addEventListener("pointermove", () => {
  stage.classList.add("awake");
  clearTimeout(asleep);
  asleep = setTimeout(() => stage.classList.remove("awake"), 1500);
});

// ---- the presenter's window ----------------------------------------------------------------------------------------
function tell() {
  part("bar").firstElementChild.style.width = `${100 * (at + 1) / steps.length}%`;
  document.body.dataset.step = at;
  document.body.dataset.playing = playing;
  other?.postMessage({ at, playing, begun }, "*");
}

// The last frame of a step, or nothing, in a picture of the presenter's window.
function picture(id, step) {
  const shown = part(id), source = step ? deck.slides[step.s].video : "";
  if (!step) return shown.removeAttribute("src"), shown.load();
  if (shown.getAttribute("src") !== source) shown.src = source;
  shown.currentTime = middle(deck.slides[step.s], step.stop - 1);
}

function tick() {
  const spent = begunAt ? Math.floor((Date.now() - begunAt) / 1000) : 0;
  const two = (n) => String(n).padStart(2, "0");
  part("running").textContent = `${Math.floor(spent / 60)}:${two(spent % 60)}`;
  const now = new Date();
  part("clock").textContent = `${two(now.getHours())}:${two(now.getMinutes())}`;
}

function told({ at: now, playing: plays, begun: since }) {
  const step = steps[now], next = steps[now + 1], name = ({ s, k }) =>
    [deck.slides[s].title, deck.slides[s].acts[k]].filter(Boolean).join(" · ");
  begunAt = since;
  part("step").textContent = `${now + 1} / ${steps.length}${plays ? " ▸" : ""}`;
  part("title").textContent = name(step);
  part("notes").textContent = deck.slides[step.s].notes || deck.slides[step.s].caption;
  part("then").textContent = next ? name(next) : "end";
  picture("now", step);
  picture("coming", next);
  tick();
}

addEventListener("message", (event) => {
  if (presenting && event.source === opener && "at" in event.data) told(event.data);
  if (!presenting && event.source === other) event.data.hello ? tell() : act[event.data.act]?.();
});

if (presenting) {
  part("presenter").hidden = false;
  stage.remove();
  told({ at: 0, playing: false, begun: 0 });
  setInterval(tick, 500);
  opener?.postMessage({ hello: true }, "*");
} else go(0, true, true);
