// Live latency: one image, drawn again and again.

import { get } from "./api.js";
import { milliseconds } from "./names.js";

const KEPT = 60;
const WIDTH = 240;
const HEIGHT = 48;
const taken = [];

// Draws one image and shows how long the model server took. What goes wrong is shown by the next draw that a visitor asks for.
export async function measure(version) {
  const answer = await get("images", { version, seed: taken.length, count: 1 }).catch(() => null);
  if (!answer) return;
  taken.push(answer.milliseconds);
  if (taken.length > KEPT) taken.shift();
  const sorted = [...taken].sort((a, b) => a - b);
  const slowest = sorted.at(-1);
  show("now", answer.milliseconds);
  show("median", sorted[Math.floor((sorted.length - 1) / 2)]);
  show("slowest", slowest);
  const bars = document.getElementById("bars");
  const width = WIDTH / KEPT;
  bars.replaceChildren(...taken.map((value, index) => bar(index * width, width - 1, (HEIGHT * value) / slowest)));
  bars.setAttribute("aria-label", `The last ${taken.length} draws of one image, at most ${milliseconds(slowest)} milliseconds`);
}

function show(id, value) {
  document.getElementById(id).textContent = milliseconds(value);
}

function bar(x, width, value) {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const height = Math.max(value, 1);
  for (const [name, number] of Object.entries({ x, width, height, y: HEIGHT - height })) shape.setAttribute(name, number);
  return shape;
}
