// Learning curves: single runs, means, a band of one deviation, and the levels that they are measured against.

const INKS = ["--blue", "--orange", "--purple", "--green"];
const LAW_INK = "--purple";

/** Learning curves of one table in one picture, each in its own ink. */
function curvePicture(curves, metric, rule, { height = 260, small = false } = {}) {
  const draw = (frame) => drawCurves(frame, curves, metric, rule, height, small);
  return picture(curveWords(curves, metric, rule), height, draw);
}

function curveWords(curves, metric, rule) {
  return curves
    .map((curve) => {
      const means = summary(curve, metric).map(meanWords).join(", ") || "no score";
      const point = saturation(curve, metric, rule);
      const law = lawOf(curve, metric);
      const follows = law && isKnown(law.amplitude) ? ` Fitted law: ${lawFormula(law, 3)}.` : "";
      const saturates = point ? ` Saturation point by ${rule}: ${saturationWords(curve, point)} cells.` : "";
      return `Learning curve of ${curve.id} on ${curve.table.id}, ${metric}: ${means}.${saturates}${follows}`;
    })
    .join(" ");
}

const meanWords = ({ size, mean }) => `${size ? `${whole(size)} cells` : "untrained"} ${number(mean)}`;

function drawCurves(frame, curves, metric, rule, height, small) {
  const scale = scaleOf(curves, metric);
  const lines = new Lines(scale);
  curves.forEach((curve, place) => lines.addCurve(curve, metric, place, small));
  for (const level of levels(curves, metric)) lines.addLevel(level);
  const points = curves
    .map((curve, place) => ({ point: saturation(curve, metric, rule), ink: INKS[place % INKS.length] }))
    .filter(({ point }) => point);
  const law = curves.length === 1 && lawOf(curves[0], metric);
  const draw = (plot) => {
    if (law && isKnown(law.amplitude)) drawLaw(plot, scale, law);
    for (const { point, ink } of points) drawPoint(plot, scale, point, ink);
  };
  const { xs, data, series, bands } = lines;
  return new uPlot(
    {
      width: frame.clientWidth || 300,
      height,
      legend: { show: false },
      cursor: { show: false },
      select: { show: false },
      padding: [8, small ? 8 : 16, 0, 0],
      scales: {
        x: { time: false, range: [xs[0] - 0.12, xs[xs.length - 1] + 0.12] },
        y: { range: (plot, low, high) => padded(low, high) },
      },
      axes: [sizeAxis(frame, scale, xs, small), scoreAxis()],
      series,
      bands,
      hooks: { draw: [draw] },
    },
    data,
    frame,
  );
}

/** What uPlot draws: values over the sizes of a scale, with their strokes. */
class Lines {
  constructor(scale) {
    this.scale = scale;
    this.xs = scale.all.map(scale.at);
    this.data = [this.xs];
    this.series = [{}];
    this.bands = [];
  }

  add(values, options) {
    this.data.push(values);
    this.series.push({ spanGaps: true, points: { show: false }, ...options });
    return this.series.length - 1;
  }

  addCurve(curve, metric, place, small) {
    const name = INKS[place % INKS.length];
    const sums = this.scale.all.map((size) => atSize(curve, metric, size));
    this.addBand(sums, token(name, 0.15));
    this.addRuns(sums, token(name, 0.5), small ? 4 : 6);
    const means = sums.map((at) => at && at.mean);
    this.add(means, { stroke: token(name), width: 2, dash: place ? [8, 4] : undefined });
  }

  addBand(sums, fill) {
    const unseen = { stroke: "transparent", width: 0 };
    const edge = (sign) => sums.map((at) => at && at.mean + sign * (at.sd || 0));
    this.bands.push({ series: [this.add(edge(1), unseen), this.add(edge(-1), unseen)], fill });
  }

  addRuns(sums, fill, size) {
    const most = Math.max(0, ...sums.map((at) => (at ? at.runs.length : 0)));
    const points = { show: true, size, width: 0, fill, stroke: "transparent" };
    for (let run = 0; run < most; run++) {
      const values = sums.map((at) => (at && at.runs[run] ? at.runs[run].value : null));
      this.add(values, { stroke: "transparent", width: 0, points });
    }
  }

  addLevel({ value, ink, dash, strong }) {
    this.add(
      this.xs.map(() => value),
      { stroke: token(ink), width: strong ? 1.5 : 1, dash },
    );
  }
}

// -- axes ---------------------------------------------------------------------------------------------------

/** Cells on a logarithmic axis; the untrained control, at no cells, a step to the left of the smallest size. */
function scaleOf(curves, metric) {
  const all = curves.flatMap((curve) => summary(curve, metric).map((at) => at.size));
  const sizes = ascending(distinct(all).filter((size) => size > 0));
  const logs = sizes.map(Math.log10);
  const step = logs.length > 1 ? (logs[logs.length - 1] - logs[0]) / (logs.length - 1) : 1;
  const start = (logs.length ? logs[0] : 1) - Math.max(step, 0.2);
  return { sizes, at: (size) => (size > 0 ? Math.log10(size) : start), all: [0, ...sizes] };
}

function sizeAxis(frame, scale, xs, small) {
  const names = scale.all.map((size) => (size === 0 ? (small ? "0" : "untrained") : cells(size)));
  return axis({
    size: 26,
    splits: () => roomy(xs, frame.clientWidth),
    values: (plot, splits) => splits.map((x) => names[xs.indexOf(x)]),
  });
}

const scoreAxis = () =>
  axis({
    size: 48,
    values: (plot, splits) => splits.map((value) => number(value, Math.min(4, decimals(splits)))),
  });

/** Marks on the axis that do not write over each other. */
function roomy(xs, width) {
  const span = xs[xs.length - 1] - xs[0] || 1;
  const kept = [];
  for (const x of xs)
    if (!kept.length || ((x - kept[kept.length - 1]) / span) * (width - 60) > 46) kept.push(x);
  return kept;
}

// -- saturation point ---------------------------------------------------------------------------------------

function drawPoint(plot, scale, point, name) {
  const { ctx } = plot;
  const { top, height } = plot.bbox;
  const at = (size) => plot.valToPos(scale.at(size), "x", true);
  const x = at(Math.min(point.size, scale.sizes[scale.sizes.length - 1]));
  ctx.save();
  if (point.within && point.within[0] !== point.within[1]) {
    const [low, high] = point.within.map(at);
    ctx.fillStyle = token(name, 0.08);
    ctx.fillRect(low, top, high - low, height);
  }
  ctx.strokeStyle = ctx.fillStyle = token(name);
  drawUpright(ctx, x, top, height);
  drawWedge(ctx, x, top, 5 * devicePixelRatio);
  ctx.restore();
}

function drawUpright(ctx, x, top, height) {
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, top + height);
  ctx.stroke();
}

function drawWedge(ctx, x, top, half) {
  ctx.beginPath();
  ctx.moveTo(x - half, top);
  ctx.lineTo(x + half, top);
  ctx.lineTo(x, top + 1.6 * half);
  ctx.fill();
}

// -- law ----------------------------------------------------------------------------------------------------

function lawFormula({ limit, amplitude, exponent }, digits) {
  const sign = amplitude < 0 ? "−" : "+";
  const size = Number(Math.abs(amplitude).toPrecision(3));
  return `${number(limit.value, digits)} ${sign} ${size} n^−${Number(exponent.value.toPrecision(3))}`;
}

const STEPS = 60;

/** E + A n^-a over the trained sizes. */
function drawLaw(plot, scale, { limit, amplitude, exponent }) {
  const { ctx, bbox } = plot;
  const [low, high] = [scale.sizes[0], scale.sizes[scale.sizes.length - 1]].map(Math.log10);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = token(LAW_INK);
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  for (let step = 0; step <= STEPS; step++) {
    const x = low + ((high - low) * step) / STEPS;
    const y = limit.value + amplitude * 10 ** (-exponent.value * x);
    ctx.lineTo(plot.valToPos(x, "x", true), plot.valToPos(y, "y", true));
  }
  ctx.stroke();
  ctx.restore();
}

// -- levels -------------------------------------------------------------------------------------------------

/** The levels that a curve is measured against, each with its name, value and stroke. */
function levels(curves, metric) {
  const [first] = curves;
  return [
    ...(curves.length === 1 ? ownLevels(first, metric) : []),
    ...baselineLevels(first.table, metric),
    ...constantLevels(first.table, metric),
    ...ceilingLevel(first, metric),
  ];
}

function ownLevels(curve, metric) {
  const untrained = atSize(curve, metric, 0);
  const threshold = (curve.metrics[metric].r0 || {}).threshold;
  return [
    untrained && { name: "untrained", value: untrained.mean, ink: "--muted", dash: [2, 3] },
    isKnown(threshold) && {
      name: "95 % of the best run (R0)",
      value: threshold,
      ink: "--blue",
      dash: [1, 4],
    },
  ].filter(Boolean);
}

function baselineLevels(table, metric) {
  const sign = directionOf(table, metric);
  return table.constants
    .filter((each) => each.kind === "baseline")
    .map((each) => ({ name: each.model, at: best(each, metric) }))
    .filter(({ at }) => at)
    .sort((a, b) => sign * (b.at.mean - a.at.mean))
    .map(({ name, at }, place) => ({
      name: place ? `baseline ${name}` : `best baseline ${name}`,
      value: at.mean,
      ink: "--warm",
      dash: place ? [3, 5] : [8, 4],
      strong: !place,
    }));
}

const CONSTANT_STROKES = {
  reference: { words: "without pretraining:", ink: "--muted", dash: [10, 6] },
  oracle: { words: "oracle", ink: "--green", dash: [6, 3, 1, 3] },
};

const constantLevels = (table, metric) =>
  table.constants
    .map((each) => ({ each, at: best(each, metric), stroke: CONSTANT_STROKES[each.kind] }))
    .filter(({ at, stroke }) => at && stroke)
    .map(({ each, at, stroke: { words, ink, dash } }) => ({
      name: `${words} ${each.model}`,
      value: at.mean,
      ink,
      dash,
    }));

function ceilingLevel(curve, metric) {
  const { verdict } = curve.metrics[metric] || {};
  const { ceiling, ceiling_measured: isMeasured } = (verdict && verdict.evidence) || {};
  if (!isMeasured || !isKnown(ceiling)) return [];
  return [{ name: "ceiling", value: ceiling, ink: "--green", dash: [12, 3], strong: true }];
}
