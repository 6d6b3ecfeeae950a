// Words for versions and figures.

export function titled(version) {
  return ["version " + version.version, ...version.labels].join(" · ");
}

// One line for a page without images.
export function whyNothing(model) {
  const failed = model.versions.filter((version) => version.failed).map((version) => version.version);
  if (model.loading.length) return `Version ${model.loading[0]} is being loaded: its images come as soon as it answers.`;
  if (model.looking) return "The server has just started and is looking for versions.";
  if (failed.length) return `Version ${failed[0]} can't be served: the server's log says why.`;
  return "No version is being served yet: push one with `forger run`.";
}

// Name and meaning of the gate's figures, in the order that they are shown in.
const FIGURES = {
  frechet_ratio: ["Fréchet ratio", "distance to real images; 1 is the distance of real images from each other"],
  precision: ["Precision", "share of the images that look real"],
  recall: ["Recall", "share of real images that it could have drawn"],
  density: ["Density", "how deep its images lie among real ones"],
  coverage: ["Coverage", "share of real images with one of its own nearby"],
  label_agreement: ["Label agreement", "share that is seen as the class asked for"],
  smallest_class_share: ["Smallest class", "share of the class that it draws least"],
  frechet_distance: ["Fréchet distance", "to real images, in the judge's features"],
  frechet_floor: ["Fréchet floor", "the distance of real images from each other"],
  faulty_draws: ["Faulty draws", "images that were no images"],
};

// Known figures first, in the order above; others follow under their own names.
export function figureKeys(versions) {
  const known = Object.keys(FIGURES);
  const found = new Set(versions.flatMap((version) => Object.keys(version.figures)));
  return [...known.filter((key) => found.has(key)), ...[...found].filter((key) => !known.includes(key)).sort()];
}

export function figureWords(key) {
  const plain = key.replaceAll("_", " ");
  return FIGURES[key] ?? [plain[0].toUpperCase() + plain.slice(1), ""];
}

export function rounded(value) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

export function milliseconds(value) {
  return value.toFixed(value < 10 ? 1 : 0);
}
