// Between two seeds: all frames come in one request, so that the slider moves without waiting.

import { get } from "./api.js";
import { titled } from "./names.js";

const STEPS = 33;
const OLD_MODEL = 409; // a version from before its latents could be asked for
const FRAME_MS = 60;
const STRIP_EVERY = 4; // of the frames: the whole way at a glance
const position = document.getElementById("position");
const play = document.getElementById("play");
let stages = [];
let timer = null;
let direction = 1;

position.max = STEPS - 1;
position.addEventListener("input", show);
play.addEventListener("click", () => (timer ? stop() : start()));

// Draws the way between two seeds from each version. A visitor's next choice aborts `signal`.
export async function drawMorph(versions, label, from, to, signal) {
  stages = await Promise.all(
    versions.map(async (version) => {
      try {
        const way = await get("path", { version: version.version, label, from, to, steps: STEPS }, signal);
        return stage(version, way.frames);
      } catch (error) {
        if (error.status !== OLD_MODEL) throw error;
        return { figure: note(`${titled(version)}: ${error.message}`), frames: [] };
      }
    }),
  );
  place("stages", stages.map((one) => one.figure));
  place("strips", stages.filter((one) => one.image).map((one) => strip(one.frames)));
  show();
}

function place(id, content) {
  document.getElementById(id).replaceChildren(...content);
}

function note(text) {
  return Object.assign(document.createElement("p"), { className: "quiet", textContent: text });
}

function stage(version, frames) {
  const figure = document.createElement("figure");
  figure.className = "picture";
  const image = document.createElement("img");
  Object.assign(image, { width: 224, height: 224 });
  const caption = document.createElement("figcaption");
  caption.textContent = titled(version);
  figure.append(image, caption);
  return { figure, image, frames };
}

function strip(frames) {
  const line = document.createElement("div");
  line.className = "strip";
  const kept = frames.filter((_, step) => step % STRIP_EVERY === 0);
  line.append(...kept.map((src) => Object.assign(document.createElement("img"), { src, alt: "" })));
  return line;
}

function show() {
  const step = Number(position.value);
  const percent = Math.round((100 * step) / (STEPS - 1));
  document.getElementById("percent").textContent = `${percent} %`;
  position.setAttribute("aria-valuetext", `${percent} percent of the way`);
  for (const { image, frames } of stages.filter((one) => one.image)) {
    image.src = frames[step];
    image.alt = `${percent} percent of the way`;
  }
}

function start() {
  play.textContent = "Stop";
  play.setAttribute("aria-pressed", "true");
  timer = setInterval(() => {
    const next = Number(position.value) + direction;
    if (next < 0 || next >= STEPS) direction = -direction;
    position.value = Number(position.value) + direction;
    show();
  }, FRAME_MS);
}

function stop() {
  clearInterval(timer);
  timer = null;
  play.textContent = "Play";
  play.setAttribute("aria-pressed", "false");
}
