// One curve, or one constant, with everything behind it.

function curveDetails(app, entry) {
  const { table } = entry;
  const metric = metricOf(app, table);
  const digits = decimals(summary(entry, metric).map((at) => at.mean));
  const picks = Object.keys(table.metrics).map((name) => [name === table.primary ? "" : name, name]);
  const pick = (name) => app.go({ metric: name });
  return [
    el(
      "p",
      { class: "muted" },
      table.id,
      entry.corpus && ` · pretrained on ${entry.corpus}`,
      entry.budget && ` · budget ${entry.budget}`,
      entry.supervised && " · trained with labels",
    ),
    bar(choice("detail-metric", "Metric", picks, app.state.metric, pick), ruleChoice(app, "detail-rule")),
    entry.isCurve &&
      summary(entry, metric).length > 0 && [
        curvePicture([entry], metric, app.rule, { height: 320 }),
        keyOf(entry, metric, app.rule, digits),
      ],
    verdictSection(entry, metric, digits),
    gainSection(entry, metric, digits),
    entry.isCurve && saturationSection(entry, metric),
    lawSection(entry, metric, digits),
    stepsSection(entry, metric, digits),
    meansSection(entry, metric, digits),
    runsSection(app, entry, metric, digits),
  ];
}

/** The lines of the picture, with their values. */
function keyOf(entry, metric, rule, digits) {
  const point = saturation(entry, metric, rule);
  const level = ({ name, value, ink, dash }) =>
    el(
      "li",
      {},
      dashSample(ink, dash[0] < 3 ? "dotted" : "dashed"),
      `${name} `,
      el("span", { class: "digits" }, number(value, digits)),
    );
  return el(
    "ul",
    { class: "key" },
    levels([entry], metric).map(level),
    lawKey(entry, metric, digits),
    point &&
      el(
        "li",
        {},
        el("span", { class: "muted" }, "▼ "),
        `saturation point by ${rule}: ${saturationWords(entry, point)} cells`,
      ),
  );
}

function lawKey(entry, metric, digits) {
  const law = lawOf(entry, metric);
  if (!law || !isKnown(law.amplitude)) return null;
  return el("li", {}, dashSample(LAW_INK, "dashed"), `law ${lawFormula(law, digits)}`);
}

const dashSample = (ink, style) =>
  el("span", { class: "dash", style: { "border-color": `var(${ink})`, "border-top-style": style } });

// -- what is said of it -------------------------------------------------------------------------------------

function verdictSection(entry, metric, digits) {
  const { verdict, unjudged } = entry.metrics[metric] || {};
  if (unjudged && !verdict) return section("Verdict", el("p", {}, `Not judged: ${unjudged}`));
  if (!verdict) return null;
  return section(
    "Verdict",
    el(
      "p",
      {},
      el("strong", {}, LEVELS[verdict.level] || verdict.level),
      " · ",
      el("strong", {}, TRENDS[verdict.trend] || verdict.trend),
      flagged(verdict) && el("span", { class: "warn" }, ` ${verdict.flags.join(", ")}`),
    ),
    verdict.reading && readingOf(verdict),
    factList(evidenceOf(verdict.evidence || {}, digits)),
  );
}

function readingOf(verdict) {
  const mayBeQuoted = verdict.quotable || verdict.reading === "learning-saturation-point";
  const words = READINGS[verdict.reading] || verdict.reading;
  return el("p", {}, words, !mayBeQuoted && " Not to be quoted as a learning saturation point.");
}

function evidenceOf(evidence, digits) {
  const over = `gain over ${evidence.baseline_name || "the baseline"}, 95 %`;
  const within = evidence.saturates_within ? ` [${evidence.saturates_within.map(whole).join(", ")}]` : "";
  const facts = [
    ["gate_f_p", "sizes differ (F, adjusted)", (p) => `p ${pValue(p)}`],
    ["gate_jonckheere_p", "ordered trend (Jonckheere, adjusted)", (p) => `p ${pValue(p)}`],
    ["gain", "gain over untrained", (gain) => signed(gain, digits)],
    ["baseline_low", over, (low) => `${signed(low, digits)} to ${signed(evidence.baseline_high, digits)}`],
    ["resolution", "smallest difference that these seeds resolve", (value) => number(value, digits + 1)],
    ["seeds_needed", "seeds needed to decide", whole],
    ["headroom", "headroom left below the ceiling", percent],
    ["saturates_at", "saturates at", (size) => `${whole(size)} cells${within}`],
  ];
  return facts
    .filter(([name]) => isKnown(evidence[name]))
    .map(([name, title, words]) => [title, words(evidence[name])]);
}

function gainSection(entry, metric, digits) {
  const { no_change: findings = [] } = entry.metrics[metric] || {};
  if (!findings.length) return null;
  const title = "Against doing nothing";
  const rows = findings.map((each) => [
    isKnown(each.size) ? whole(each.size) : NOTHING,
    mark(each.verdict, true),
    gainWords(each, digits) || NOTHING,
    each.baseline,
    each.p === undefined ? NOTHING : pValue(each.p),
    each.reason,
  ]);
  return section(
    title,
    simpleTable(title, ["cells", "outcome", "gain [95 %]", "over", "p (Holm)", "remark"], rows),
  );
}

function saturationSection(entry, metric) {
  if (!entry.metrics[metric]) return null;
  const points = Object.keys(RULES).map((rule) => [rule, saturation(entry, metric, rule)]);
  const rows = points.filter(([, point]) => point).map(([rule, point]) => ruleRow(entry, rule, point));
  if (!rows.length) {
    const { r0 } = entry.metrics[metric];
    const why = r0 && r0.reason;
    return why
      ? section("Saturation", el("p", { class: "muted" }, `No point by the published rule: ${why}`))
      : null;
  }
  const title = "Saturation by every rule";
  const heads = ["rule", "cells", "of the corpus", "95 % of resamples", "resamples that say so"];
  return section(title, simpleTable(title, heads, rows));
}

function ruleRow(entry, rule, point) {
  const share = asShare(entry, point.size);
  return [
    `${rule}: ${RULES[rule]}${point.family ? ` (${point.family})` : ""}`,
    saturationWords(entry, point),
    share === null ? NOTHING : percent(share),
    point.within ? withinWords(point) : NOTHING,
    point.distribution ? distributionWords(point.distribution) : NOTHING,
  ];
}

const distributionWords = (distribution) =>
  Object.entries(distribution)
    .filter(([, share]) => share >= 0.005)
    .map(([size, share]) => `${cells(Number(size))}: ${percent(share)}`)
    .join(", ");

// -- what lies behind it ------------------------------------------------------------------------------------

function meansSection(entry, metric, digits) {
  const rows = summary(entry, metric).map((at) => [
    at.size === null ? NOTHING : whole(at.size),
    number(at.mean, digits + 1),
    number(at.sd, digits + 1),
    String(at.n),
    seconds(costOf(entry, at.size)),
    memoryAt(entry, at.size),
  ]);
  const heads = ["cells", "mean", "sd", "runs", "cost per run", "peak memory"];
  return section(
    "Means and cost",
    simpleTable("Means and cost", heads, rows, (place) => place === 0),
  );
}

function memoryAt(entry, size) {
  const cost = entry.cost[String(size)];
  return cost && cost.memory ? `${whole(cost.memory)} MB` : NOTHING;
}

function runsSection(app, entry, metric, digits) {
  const { absent = [], values } = entry.metrics[metric] || {};
  const why = new Map(absent.map(([place, status, reason]) => [place, { status, reason }]));
  const rows = entry.at.map((at, place) => [
    entry.size[place] === null ? NOTHING : whole(entry.size[place]),
    entry.seed[place] === null ? NOTHING : String(entry.seed[place]),
    runCell(values && values[place], why.get(place), digits),
    el("code", {}, address(app.board, at) || NOTHING),
  ]);
  return el(
    "details",
    { open: rows.length <= 24 },
    el("summary", {}, `${plural(rows.length, "job")} behind these numbers`),
    el(
      "p",
      { class: "muted" },
      `The address of each job, its first ${app.board.digits} digits: `,
      "find it in scores.csv or board.json beside this page.",
    ),
    simpleTable("Jobs", ["cells", "seed", metric, "address"], rows),
  );
}

/** The value of one run, why it has none, or where to look where this page does not hold it. */
function runCell(value, why, digits) {
  if (isKnown(value)) return number(value, digits + 2);
  if (!why) return el("span", { class: "muted" }, "in board.json");
  const { status, reason } = why;
  return el("span", { class: "absent" }, status === "ok" ? "undefined" : status, reason && `: ${reason}`);
}
