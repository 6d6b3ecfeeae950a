// A panel of images: one version's draws of consecutive seeds. One tab stop; the arrow keys move within it.

import { milliseconds, titled } from "./names.js";

// Makes a panel. `onChoose(index)` is called with the place of the image that the visitor chose.
export function makePanel(version, answer, classes, onChoose) {
  const panel = document.getElementById("panel").content.firstElementChild.cloneNode(true);
  panel.dataset.version = version.version;
  panel.querySelector(".name").textContent = titled(version);
  panel.querySelector(".took").textContent = `${answer.images.length} in ${milliseconds(answer.milliseconds)} ms`;
  const cells = panel.querySelector(".grid");
  const columns = Math.ceil(Math.sqrt(answer.images.length));
  cells.style.setProperty("--columns", columns);
  cells.setAttribute("aria-label", `Images from ${titled(version)}`);
  cells.append(...answer.images.map((image) => cell(image, classes)));
  cells.addEventListener("click", (event) => {
    const index = [...cells.children].indexOf(event.target.closest("button"));
    if (index >= 0) onChoose(index);
  });
  cells.addEventListener("keydown", (event) => move(event, [...cells.children], columns));
  return panel;
}

// Marks the chosen image in every panel and makes it the tab stop.
export function mark(panels, index) {
  for (const cells of panels.querySelectorAll(".grid")) {
    [...cells.children].forEach((button, place) => {
      button.setAttribute("aria-pressed", place === index);
      button.tabIndex = place === index ? 0 : -1;
    });
  }
}

export function described(image, classes) {
  const name = classes[image.label] ?? "";
  return name ? `${name}, seed ${image.seed}` : `seed ${image.seed}`;
}

function cell(image, classes) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = described(image, classes);
  const picture = document.createElement("img");
  Object.assign(picture, { src: image.png, alt: described(image, classes) });
  button.append(picture);
  return button;
}

function move(event, buttons, columns) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -buttons.length, End: buttons.length };
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const here = buttons.indexOf(document.activeElement);
  const there = Math.abs(step) === buttons.length ? (step < 0 ? 0 : buttons.length - 1) : here + step;
  if (!buttons[there]) return;
  buttons[here].tabIndex = -1;
  buttons[there].tabIndex = 0;
  buttons[there].focus();
}
