// The law of a curve and what more cells bring, of primary metrics: what the list of all and the details share.

const LAWS = {
  flat: "no effect of size",
  "log-linear": "no sign of saturation",
  offset: "a finite asymptote, E + A n^-a",
};
const COSTS = { gpu_hours: "GPU-hour", kwh: "kWh", money: "unit of money" };

/** An estimate with its interval, or why there is none; `say` puts a number into words. */
function estimateWords(estimate, say) {
  const { value, reason } = estimate;
  const range = rangeWords(estimate, say);
  if (!isKnown(value)) return `not told: ${reason}`;
  return range ? `${say(value)} ${range}` : `${say(value)}, without an interval: ${reason}`;
}

const rangeWords = ({ low, high }, say) =>
  isKnown(low) && isKnown(high) ? `[${say(low)}, ${say(high)}]` : null;

const numberTo = (digits) => (value) => number(value, digits);
const signedTo = (digits) => (value) => signed(value, digits);
const exponentWords = numberTo(2);

/** A share by AICc; what is next to nothing is not told to the digit. */
const weightWords = (share) => (share < 0.001 ? "<\u00a00.1\u00a0%" : percent(share));

const lawOf = (entry, metric) => (entry.metrics[metric] || {}).law || null;
const marginalGainOf = (entry, metric) => (entry.metrics[metric] || {}).marginal_gain || null;

// -- in the details of a curve ------------------------------------------------------------------------------

function lawSection(entry, metric, digits) {
  const law = lawOf(entry, metric);
  if (!law) return null;
  if (!law.answer) return section("Scaling law", el("p", { class: "muted" }, `Not told: ${law.reason}`));
  const weights = Object.entries(law.weights).map(([name, share]) => `${name} ${weightWords(share)}`);
  return section(
    "Scaling law",
    el("p", {}, el("strong", {}, law.answer), `: ${LAWS[law.answer]}`),
    factList([
      ["weights by AICc", weights.join(", ")],
      ["limit E", estimateWords(law.limit, numberTo(digits))],
      ["exponent a", estimateWords(law.exponent, exponentWords)],
      ...heldOutFacts(law.held_out, digits),
    ]),
    el(
      "p",
      { class: "muted" },
      "Limit and exponent are those of E + A n^-a over the trained sizes, whatever its weight.",
      isKnown(law.amplitude) && " That law is the thin dashed line of the picture.",
    ),
  );
}

function heldOutFacts(heldOut, digits) {
  if (!heldOut) return [];
  const { size, family, predicted, observed, error } = heldOut;
  const name = `largest size (${whole(size)} cells), held out`;
  if (!isKnown(predicted)) return [[name, `not predicted: ${error.reason}`]];
  return [
    [name, `predicted ${number(predicted, digits)} (${family}), observed ${number(observed, digits)}`],
    ["observed minus predicted", estimateWords(error, signedTo(digits))],
  ];
}

function stepsSection(entry, metric, digits) {
  const gain = marginalGainOf(entry, metric);
  if (!gain) return null;
  const say = signedTo(digits);
  const units = distinct(gain.steps.flatMap((step) => Object.keys(step.per_cost)));
  const rows = gain.steps.map((step) => [
    step.start ? whole(step.start) : "untrained",
    whole(step.end),
    estimateWords(step.gain, say),
    step.start ? estimateWords(step.per_decade, say) : NOTHING,
    ...units.map((unit) => (step.per_cost[unit] ? estimateWords(step.per_cost[unit], say) : NOTHING)),
  ]);
  const perCost = units.map((unit) => `per ${COSTS[unit] || unit} [95 %]`);
  const heads = ["from", "to cells", "gain [95 %]", "per tenfold of the cells [95 %]", ...perCost];
  return section(
    "What more cells bring",
    el(
      "p",
      {},
      `Gain per tenfold of the cells over all trained sizes: ${estimateWords(gain.per_decade, say)}`,
    ),
    simpleTable("Gain from size to size", heads, rows),
    gain.stop && el("p", {}, stopWords(gain.stop)),
    el("p", { class: "muted" }, "Positive is better."),
  );
}

function stopWords({ unit, worth, size, at_end: isAtEnd, reason }) {
  if (!isKnown(size)) return `Where to stop is not told: ${reason}.`;
  const units = { gpu_hours: "GPU-hours", kwh: "kWh", money: "units of money" };
  const beyond = isAtEnd ? ", the largest size: what lies beyond is not known" : "";
  return `Who pays ${worth} ${units[unit] || unit} for a gain of 1 stops at ${whole(size)} cells${beyond}.`;
}
