// How things are said and put on the page. Every text goes through text nodes: what a plugin is called stays text.

const NOTHING = "–";
const MARKS = {
  beats: { sign: "▲", words: "beats doing nothing", short: "beats" },
  no_better: { sign: "≈", words: "no better than doing nothing", short: "no better" },
  worse: { sign: "▼", words: "worse than doing nothing", short: "worse" },
  not_assessed: { sign: "?", words: "not judged", short: "not judged" },
};
const TRENDS = {
  flat: "flat",
  saturates: "saturates",
  "still-improving": "still improving",
  inverse: "gets worse with data",
  "non-monotone": "non-monotone",
  inconclusive: "inconclusive",
};
const LEVELS = {
  "below-baseline": "below the baseline",
  "no-benefit": "no benefit over untrained",
  "beats-baseline": "beats the baseline",
  "at-ceiling": "at the ceiling",
  "not-assessed": "level not assessed",
};
const READINGS = {
  "task-saturated": "The task is saturated: it can no longer tell models apart.",
  "model-saturated": "The model is saturated: more of the same data does not help it here.",
  "pretraining-irrelevant": "Pretraining makes no difference here.",
  "more-data-may-pay": "More data may pay; it is not shown yet.",
  "learning-saturation-point": "This may be quoted as a learning saturation point.",
};
const KINDS = { baseline: "baseline", reference: "no pretraining", oracle: "oracle, not ranked" };
const CENSORED = { left: "≤\u00a0", right: "≥\u00a0", beyond: ">\u00a0", interval: "", none: "" };

const isKnown = (value) => value !== null && value !== undefined;

function put(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (!isKnown(value) || value === false) continue;
    if (name === "on") for (const [event, deed] of Object.entries(value)) node.addEventListener(event, deed);
    else if (name === "style")
      for (const [property, set] of Object.entries(value)) node.style.setProperty(property, set);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) if (isKnown(child) && child !== false) node.append(child);
  return node;
}
const el = (tag, attributes, ...children) => put(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  put(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/** A name that may be broken at its underscores. */
const soft = (text) =>
  String(text)
    .split(/(?<=_)/)
    .flatMap((part, place) => (place ? [el("wbr"), part] : [part]));

const whole = (value) => Math.round(value).toLocaleString("en-US");

/** A number with three digits, without a negative zero. */
function number(value, digits = 3) {
  if (!isKnown(value) || Number.isNaN(value)) return NOTHING;
  const shown = Math.abs(value) >= 1000 ? whole(value) : value.toFixed(digits);
  return Number(shown) === 0 ? shown.replace("-", "") : shown.replace("-", "−");
}

/** A rank, with a decimal where it is a mean of ranks. */
const rankText = (rank) => number(rank, Number.isInteger(rank) ? 0 : 1);
const signed = (value, digits) => (value > 0 ? "+" : "") + number(value, digits);
const pValue = (p) => (p < 0.001 ? "< .001" : p.toFixed(3).replace(/^0/, ""));

/** A gain over a baseline with its interval; null where it was not judged. */
function gainWords(found, digits) {
  if (!found || found.low === undefined) return null;
  return `${signed(found.estimate, digits)} [${signed(found.low, digits)}, ${signed(found.high, digits)}]`;
}

/** Decimals that show three digits of the largest of these values. */
function decimals(values) {
  const largest = Math.max(0, ...values.filter((value) => value !== null).map(Math.abs));
  return largest > 0 ? Math.min(6, Math.max(0, 3 - Math.ceil(Math.log10(largest)))) : 3;
}

const MANY = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

function cells(size) {
  if (!isKnown(size)) return NOTHING;
  if (size === 0) return "0";
  for (const [unit, sign] of MANY)
    if (size >= 10 * unit || (size >= unit && size % (unit / 10) === 0))
      return `${Number((size / unit).toPrecision(3))}\u00a0${sign}`;
  return whole(size);
}
const withinWords = ({ within }) => `${cells(within[0])} to ${cells(within[1])}`;
const percent = (share) => `${Number((100 * share).toPrecision(2))}\u00a0%`;

const LONG = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
];

function seconds(value) {
  if (!isKnown(value)) return NOTHING;
  for (const [unit, sign] of LONG)
    if (value >= 2 * unit) return `${Number((value / unit).toPrecision(2))}\u00a0${sign}`;
  return `${Number(value.toPrecision(2))}\u00a0s`;
}

/** A sign with words for those who hear the page; colour never says anything alone. */
function mark(verdict, words = false) {
  const known = MARKS[verdict];
  if (!known) return el("span", { class: "muted" }, NOTHING);
  if (words)
    return el("span", { class: `mark ${verdict}`, title: known.words }, `${known.sign} ${known.short}`);
  return el(
    "span",
    { class: `mark ${verdict}`, role: "img", title: known.words, "aria-label": known.words },
    known.sign,
  );
}

const plural = (n, one, many = `${one}s`) => `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`;
