// The page: what is chosen lives in `choice` and in the address, so that a link shows the same images.

import { address, get } from "./api.js";
import { showFigures } from "./figures.js";
import { described, makePanel, mark } from "./grid.js";
import { measure } from "./latency.js";
import { drawMorph } from "./morph.js";
import { titled, whyNothing } from "./names.js";

const ANY = -1;
const POLL_MS = 5000;
const WAITING_POLL_MS = 1000; // while nothing is served
const MEASURE_MS = 2000;
const TYPING_MS = 200; // a pause this long ends a number that is being typed
const SCALES = { ".small": 1, ".large": 10 }; // of the PNG files beside the chosen image
const at = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search);
const number = (key, fallback) => (/^-?\d{1,15}$/.test(asked.get(key) ?? "") ? Number(asked.get(key)) : fallback);

const choice = {
  label: number("class", ANY),
  seed: number("seed", 0),
  count: number("count", 36),
  version: number("version", null), // null: whatever is served
  against: number("against", null), // null: nothing
  from: number("from", 0),
  to: number("to", 1),
  index: 0, // the chosen image's place
};
let model = null;
let answers = [];
let drawing = new AbortController();
let typing = null;

const shownVersions = () => {
  const found = [choice.version ?? model.current, choice.against];
  return found.map((wanted) => model.versions.find((version) => version.version === wanted)).filter(Boolean);
};

async function draw() {
  drawing.abort();
  drawing = new AbortController();
  const { signal } = drawing;
  remember();
  at("panels").classList.add("busy");
  try {
    const versions = shownVersions();
    at("all").classList.toggle("empty", !versions.length);
    if (!versions.length) throw new Error(whyNothing(model));
    const wanted = { label: choice.label, seed: choice.seed, count: choice.count };
    answers = await Promise.all(versions.map((version) => get("images", { ...wanted, version: version.version }, signal)));
    at("panels").replaceChildren(
      ...versions.map((version, index) => makePanel(version, answers[index], model.classes, choose)),
    );
    choose(Math.min(choice.index, choice.count - 1));
    at("sheet").href = address("picture.png", { ...wanted, version: versions[0].version, scale: 4 });
    showFigures(versions);
    await drawMorph(versions, choice.label, choice.from, choice.to, signal);
    complain("");
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === 404) model = null; // that version was unloaded: the next look finds out what is served
    complain(error.message);
  }
  at("panels").classList.remove("busy");
}

function choose(index) {
  choice.index = index;
  mark(at("panels"), index);
  at("chosen").replaceChildren(
    ...answers.map((answer) => {
      const figure = at("picture").content.firstElementChild.cloneNode(true);
      const image = answer.images[index];
      const name = described(image, model.classes);
      const picture = figure.querySelector("img");
      picture.addEventListener("load", () => {
        for (const [size, scale] of Object.entries(SCALES)) {
          figure.querySelector(size).textContent = `${scale * picture.naturalWidth} × ${scale * picture.naturalHeight}`;
        }
      });
      Object.assign(picture, { src: image.png, alt: `${name}, version ${answer.version}` });
      figure.querySelector("figcaption").textContent = answers.length > 1 ? `${name}, version ${answer.version}` : name;
      const file = { version: answer.version, label: choice.label, seed: image.seed, count: 1 };
      for (const [size, scale] of Object.entries(SCALES)) figure.querySelector(size).href = address("picture.png", { ...file, scale });
      return figure;
    }),
  );
}

// Asks what is served; a change of it redraws.
async function look() {
  try {
    const found = await get("model");
    const changed = !model || JSON.stringify(found) !== JSON.stringify(model);
    model = found;
    const served = model.versions.find((version) => version.version === model.current);
    const loading = model.loading.length ? `version ${model.loading.join(", ")} is loading` : "";
    at("served").textContent = [served && titled(served), loading].filter(Boolean).join(", ") || "nothing is served";
    at("served").classList.toggle("up", Boolean(served));
    if (changed) {
      at("model").textContent = model.unlabelled ? `${model.name}, unlabelled images` : model.name;
      document.title = `${model.name} · Forger gallery`;
      offerClasses();
      offerVersions();
      await draw();
    }
  } catch (error) {
    model = null;
    at("served").textContent = "not answering";
    at("served").classList.remove("up");
    complain(error.message);
  }
}

function offerClasses() {
  const names = model.conditional ? model.classes : [];
  if (choice.label >= names.length || choice.label < ANY) choice.label = ANY;
  at("classes").hidden = !names.length;
  const chips = ["any", ...names].map((name, place) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "class", value: place + ANY, checked: place + ANY === choice.label });
    label.append(input, name);
    return label;
  });
  at("classes").querySelector(".chips").replaceChildren(...chips);
}

function offerVersions() {
  const ready = model.versions.filter((version) => version.state === "AVAILABLE");
  const named = ready.map((version) => [version.version, titled(version).replace(/^version /, "")]);
  if (!named.some(([version]) => version === choice.version)) choice.version = null;
  fill(at("version"), [["", "the served one"], ...named], choice.version);
  const others = named.filter(([version]) => version !== (choice.version ?? model.current));
  others.sort(([a], [b]) => (b === model.previous) - (a === model.previous)); // what one most likely wants comes first
  if (!others.some(([version]) => version === choice.against)) choice.against = null;
  fill(at("against"), [["", "nothing"], ...others], choice.against);
}

function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value, false, value === (chosen ?? ""))));
}

function remember() {
  const { label, version, against, seed, count, from, to } = choice;
  const kept = { class: label, seed, count, from, to, ...(version && { version }), ...(against && { against }) };
  history.replaceState(null, "", `?${new URLSearchParams(kept)}`);
}

function complain(message) {
  at("problem").textContent = message;
  at("problem").hidden = !message;
  at("problem").classList.toggle("calm", Boolean(model && !model.current)); // to wait is no fault
}

// A number field that draws once its owner stops typing.
function bindNumber(id) {
  const input = at(id);
  input.value = choice[id];
  input.addEventListener("input", () => {
    if (!input.value || !input.checkValidity()) return;
    choice[id] = Number(input.value);
    clearTimeout(typing);
    typing = setTimeout(draw, TYPING_MS);
  });
}

function setNumber(id, value) {
  choice[id] = Math.max(0, Math.min(value, Number(at(id).max)));
  at(id).value = choice[id];
  draw();
}

function bindSelect(id, empty) {
  at(id).addEventListener("change", (event) => {
    choice[id] = event.target.value ? Number(event.target.value) : empty;
    if (id === "version") offerVersions(); // not to be compared with itself
    draw();
  });
}

["seed", "from", "to"].forEach(bindNumber);
at("count").value = choice.count;
if (!at("count").value) at("count").value = choice.count = 36;
bindSelect("count", 36);
bindSelect("version", null);
bindSelect("against", null);
at("classes").addEventListener("change", (event) => {
  choice.label = Number(event.target.value);
  draw();
});
at("back").addEventListener("click", () => setNumber("seed", choice.seed - choice.count));
at("forward").addEventListener("click", () => setNumber("seed", choice.seed + choice.count));
at("random").addEventListener("click", () => setNumber("seed", crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000));
at("set-from").addEventListener("click", () => setNumber("from", choice.seed + choice.index));
at("set-to").addEventListener("click", () => setNumber("to", choice.seed + choice.index));
at("controls").addEventListener("submit", (event) => event.preventDefault());

function measureShown() {
  const [version] = model ? shownVersions() : [];
  if (version && !document.hidden) measure(version.version);
}

async function keepLooking() {
  if (!document.hidden) await look();
  setTimeout(keepLooking, model && !model.current ? WAITING_POLL_MS : POLL_MS);
}

await keepLooking();
measureShown();
setInterval(measureShown, MEASURE_MS);
