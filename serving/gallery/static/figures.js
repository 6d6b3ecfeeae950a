// The gate's figures of the shown versions, side by side.

import { figureKeys, figureWords, rounded, titled } from "./names.js";

const SIGNS = { min: "≥", max: "≤" };

export function showFigures(versions) {
  const [shown] = versions;
  document.getElementById("reason").textContent = shown.reason
    ? `Version ${shown.version}: ${shown.reason}.`
    : `Version ${shown.version} was not pushed by the pipeline: it carries no figures.`;
  const table = document.getElementById("figures");
  table.hidden = !versions.some((version) => version.reason);
  const head = ["Figure", ...versions.map((version) => titled(version).replace(/^v/, "V")), "Limit"];
  table.tHead.rows[0].replaceChildren(...head.map((text) => heading("col", text)));
  table.tBodies[0].replaceChildren(...figureKeys(versions).map((key) => row(key, versions)));
}

function row(key, versions) {
  const line = document.createElement("tr");
  const limits = versions[0].limits.filter((limit) => limit.metric === key);
  const values = versions.map((version) => rounded(version.figures[key]));
  line.append(heading("row", ...figureWords(key)));
  for (const text of [...values, limits.map((one) => `${SIGNS[one.kind]} ${rounded(one.limit)}`).join(", ")]) {
    line.insertCell().textContent = text;
  }
  return line;
}

function heading(scope, text, meaning = "") {
  const cell = document.createElement("th");
  cell.scope = scope;
  cell.textContent = text;
  if (meaning) cell.append(Object.assign(document.createElement("small"), { textContent: meaning }));
  return cell;
}
