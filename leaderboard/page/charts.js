// Pictures: learning curves and the plane of cost and score (uPlot), gains and places (drawn as SVG in the tables).

/** A colour of the style as the canvas takes it, at this opacity. */
function token(name, opacity = 1) {
  const probe = document.getElementById("foot");
  probe.style.setProperty("color", `var(${name})`);
  const [red, green, blue] = getComputedStyle(probe).color.match(/[\d.]+/g);
  probe.style.removeProperty("color");
  return `rgb(${red} ${green} ${blue} / ${opacity})`;
}
const waiting = new Map();
const drawn = new Set();
const seen = "IntersectionObserver" in window && new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting && waiting.has(target)) drawNow(target);
}, { rootMargin: "300px" });

/** A frame whose picture is drawn when it comes into sight, told in words to those who do not see it. */
function picture(words, height, draw) {
  const frame = el("div", { class: "picture", role: "img", "aria-label": words, style: { height: `${height}px` } });
  waiting.set(frame, () => draw(frame, height));
  if (seen) seen.observe(frame);
  else requestAnimationFrame(() => drawNow(frame));
  return frame;
}

function drawNow(frame) {
  const draw = waiting.get(frame);
  waiting.delete(frame);
  if (!draw || !frame.isConnected) return;
  const plot = draw();
  drawn.add({ frame, plot });
  new ResizeObserver(() => frame.isConnected && frame.clientWidth && plot.setSize({ width: frame.clientWidth, height: plot.height })).observe(frame);
}

function forgetPictures() {
  for (const { plot } of drawn) plot.destroy();
  drawn.clear();
  for (const frame of waiting.keys()) seen && seen.unobserve(frame);
  waiting.clear();
}

/** Before printing, everything that was not in sight yet. */
function drawAll() {
  for (const frame of [...waiting.keys()]) drawNow(frame);
}

const INKS = ["--blue", "--orange", "--purple", "--green"];

/** Cells on a logarithmic axis; the untrained control, at no cells, a step to the left of the smallest size. */
function scaleOf(curves, metric) {
  const sizes = distinct(curves.flatMap((curve) => summary(curve, metric).map((at) => at.size))).filter((size) => size > 0).sort((a, b) => a - b);
  const logs = sizes.map(Math.log10);
  const step = logs.length > 1 ? (logs[logs.length - 1] - logs[0]) / (logs.length - 1) : 1;
  const start = (logs.length ? logs[0] : 1) - Math.max(step, 0.2);
  return { sizes, at: (size) => (size > 0 ? Math.log10(size) : start), all: [0, ...sizes] };
}

/**
 * Learning curves of one table: single runs, means, a band of one deviation, the untrained level, baselines, ceiling,
 * threshold and saturation point.
 */
function curvePicture(curves, metric, rule, { height = 260, small = false } = {}) {
  return picture(curveWords(curves, metric, rule), height, (frame) => drawCurves(frame, curves, metric, rule, height, small));
}

function drawCurves(frame, curves, metric, rule, height, small) {
  const scale = scaleOf(curves, metric);
  const xs = scale.all.map(scale.at);
  const [data, series, bands] = [[xs], [{}], []];
  const add = (values, options) => (data.push(values), series.push({ spanGaps: true, points: { show: false }, ...options }), series.length - 1);
  curves.forEach((curve, place) => {
    const name = INKS[place % INKS.length];
    const ink = token(name);
    const sums = scale.all.map((size) => atSize(curve, metric, size));
    const most = Math.max(0, ...sums.map((at) => (at ? at.runs.length : 0)));
    const upper = add(sums.map((at) => (at && at.sd !== null ? at.mean + at.sd : at ? at.mean : null)), { stroke: "transparent", width: 0 });
    const lower = add(sums.map((at) => (at && at.sd !== null ? at.mean - at.sd : at ? at.mean : null)), { stroke: "transparent", width: 0 });
    bands.push({ series: [upper, lower], fill: token(name, 0.15) });
    for (let run = 0; run < most; run++)
      add(sums.map((at) => (at && at.runs[run] ? at.runs[run].value : null)), {
        stroke: "transparent", width: 0, points: { show: true, size: small ? 4 : 6, width: 0, fill: token(name, 0.5), stroke: "transparent" },
      });
    add(sums.map((at) => (at ? at.mean : null)), { stroke: ink, width: 2, dash: place ? [8, 4] : undefined });
  });
  const lines = levels(curves, metric);
  for (const line of lines) add(xs.map(() => line.value), { stroke: token(line.ink), width: line.strong ? 1.5 : 1, dash: line.dash });
  const points = curves.map((curve, place) => ({ point: saturation(curve, metric, rule), ink: token(INKS[place % INKS.length]), pale: token(INKS[place % INKS.length], 0.08) })).filter(({ point }) => point);
  const muted = token("--muted");
  const grid = { stroke: token("--line"), width: 1 };
  const names = scale.all.map((size) => (size === 0 ? (small ? "0" : "untrained") : cells(size)));
  return new uPlot({
    width: frame.clientWidth || 300, height, legend: { show: false }, cursor: { show: false }, select: { show: false },
    padding: [8, small ? 8 : 16, 0, 0],
    scales: { x: { time: false, range: [xs[0] - 0.12, xs[xs.length - 1] + 0.12] }, y: { range: (plot, low, high) => padded(low, high) } },
    axes: [
      { stroke: muted, grid, ticks: { show: false }, size: 26, splits: () => roomy(xs, frame.clientWidth), values: (plot, splits) => splits.map((x) => names[xs.indexOf(x)]), font: "12px system-ui" },
      { stroke: muted, grid, ticks: { show: false }, size: 48, font: "12px system-ui", values: (plot, splits) => splits.map((value) => number(value, Math.min(4, decimals(splits)))) },
    ],
    series, bands,
    hooks: { draw: [(plot) => points.forEach(({ point, ink, pale }) => drawPoint(plot, scale, point, ink, pale))] },
  }, data, frame);
}

/** Marks on the axis that do not write over each other. */
function roomy(xs, width) {
  const span = xs[xs.length - 1] - xs[0] || 1;
  const kept = [];
  for (const x of xs) if (!kept.length || ((x - kept[kept.length - 1]) / span) * (width - 60) > 46) kept.push(x);
  return kept;
}

function padded(low, high) {
  if (low === null || high === null) return [0, 1];
  const room = Math.max((high - low) * 0.08, 1e-6, Math.abs(high) * 1e-3);
  return [low - room, high + room];
}

function drawPoint(plot, scale, point, ink, pale) {
  const { ctx } = plot;
  const at = (size) => plot.valToPos(scale.at(size), "x", true);
  const { top, height } = plot.bbox;
  ctx.save();
  if (point.within && point.within[0] !== point.within[1]) {
    ctx.fillStyle = pale;
    ctx.fillRect(at(point.within[0]), top, at(point.within[1]) - at(point.within[0]), height);
  }
  const x = at(Math.min(point.size, scale.sizes[scale.sizes.length - 1]));
  ctx.strokeStyle = ink;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, top + height);
  ctx.stroke();
  ctx.fillStyle = ink;
  ctx.beginPath();
  const half = 5 * devicePixelRatio;
  ctx.moveTo(x - half, top);
  ctx.lineTo(x + half, top);
  ctx.lineTo(x, top + 1.6 * half);
  ctx.fill();
  ctx.restore();
}

/** The levels that a curve is measured against, each with its name, value and stroke. */
function levels(curves, metric) {
  const [{ table }] = curves;
  const found = [];
  if (curves.length === 1) {
    const untrained = atSize(curves[0], metric, 0);
    if (untrained) found.push({ name: "untrained", value: untrained.mean, ink: "--muted", dash: [2, 3] });
    const threshold = curves[0].metrics[metric].r0 && curves[0].metrics[metric].r0.threshold;
    if (threshold !== null && threshold !== undefined) found.push({ name: "95 % of the best run (R0)", value: threshold, ink: "--blue", dash: [1, 4] });
  }
  const sign = directionOf(table, metric);
  const baselines = table.constants.filter((each) => each.kind === "baseline").map((each) => ({ name: each.model, at: best(each, metric) })).filter(({ at }) => at);
  baselines.sort((a, b) => sign * (b.at.mean - a.at.mean));
  baselines.forEach(({ name, at }, place) => found.push({ name: place ? `baseline ${name}` : `best baseline ${name}`, value: at.mean, ink: "--warm", dash: place ? [3, 5] : [8, 4], strong: !place }));
  for (const each of table.constants) {
    const at = best(each, metric);
    if (at && each.kind === "reference") found.push({ name: `without pretraining: ${each.model}`, value: at.mean, ink: "--muted", dash: [10, 6] });
    if (at && each.kind === "oracle") found.push({ name: `oracle ${each.model}`, value: at.mean, ink: "--green", dash: [6, 3, 1, 3] });
  }
  const ceiling = ceilingOf(curves[0], metric);
  if (ceiling !== null) found.push({ name: "ceiling", value: ceiling, ink: "--green", dash: [12, 3], strong: true });
  return found;
}

function ceilingOf(curve, metric) {
  const { verdict } = curve.metrics[metric] || {};
  const value = verdict && verdict.evidence && verdict.evidence.ceiling_measured ? verdict.evidence.ceiling : null;
  return value === undefined ? null : value;
}

function curveWords(curves, metric, rule) {
  const digits = 3;
  return curves.map((curve) => {
    const means = summary(curve, metric).map((at) => `${at.size ? `${whole(at.size)} cells` : "untrained"} ${number(at.mean, digits)}`);
    const point = saturation(curve, metric, rule);
    return `Learning curve of ${curve.id} on ${curve.table.id}, ${metric}: ${means.join(", ") || "no score"}.` + (point ? ` Saturation point by ${rule}: ${saturationWords(curve, point)} cells.` : "");
  }).join(" ");
}

/** A gain with its interval on the common axis of a column; the line in the middle is doing nothing. */
function gainPicture(found, reach) {
  if (!found || found.estimate === undefined || found.low === undefined) return null;
  const [width, height] = [96, 18];
  const x = (value) => 5 + ((width - 10) * (value - reach[0])) / (reach[1] - reach[0]);
  return svg("svg", { class: `gain ${found.verdict}`, viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
    svg("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: height }),
    svg("line", { class: "span", x1: x(found.low), x2: x(found.high), y1: height / 2, y2: height / 2 }),
    svg("circle", { cx: x(found.estimate), cy: height / 2, r: 3.5 }));
}

/** A place with its interval among all places. */
function placePicture(row, most) {
  const [width, height] = [64, 14];
  const x = (value) => 4 + ((width - 8) * (value - 1)) / Math.max(1, most - 1);
  return svg("svg", { class: "place", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
    svg("line", { class: "track", x1: 4, x2: width - 4, y1: height / 2, y2: height / 2 }),
    svg("line", { class: "span", x1: x(row.low), x2: x(row.high), y1: height / 2, y2: height / 2 }),
    svg("circle", { cx: x(row.rank), cy: height / 2, r: 3.5 }));
}

/** Score against cost; what nothing cheaper matches is the front. */
function costPicture(points, table, metric, open) {
  const words = `Score against seconds for ${plural(points.length, "model")} on ${table.id}; on the front: ${points.filter((each) => each.front).map((each) => each.name).join(", ")}. The table below holds the numbers.`;
  return picture(words, 380, (frame) => {
    const xs = points.map((each) => Math.log10(Math.max(each.cost, 1e-4)));
    const front = points.map((each) => (each.front ? each.score : null));
    const [muted, grid] = [token("--muted"), { stroke: token("--line"), width: 1 }];
    const tip = el("div", { class: "tip", hidden: true });
    const plot = new uPlot({
      width: frame.clientWidth, height: 380, legend: { show: false },
      cursor: { x: false, y: false, drag: { x: false, y: false }, points: { show: false } },
      padding: [12, 24, 0, 0],
      scales: { x: { time: false, range: (plot, low, high) => [low - 0.2, high + 0.2] }, y: { range: (plot, low, high) => padded(low, high) } },
      axes: [
        { stroke: muted, grid, ticks: { show: false }, size: 28, label: "fit and embedding, per run", labelSize: 22, labelFont: "12px system-ui", font: "12px system-ui", splits: (plot, axis, low, high) => decades(low, high), values: (plot, splits) => splits.map((x) => seconds(10 ** x)) },
        { stroke: muted, grid, ticks: { show: false }, size: 52, font: "12px system-ui" },
      ],
      series: [{}, { stroke: "transparent", width: 0, points: { show: false } }, { stroke: token("--blue"), width: 1.5, spanGaps: true, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) }],
      hooks: {
        draw: [(plot) => points.forEach((each, place) => drawMark(plot, xs[place], each))],
        setCursor: [(plot) => showTip(plot, tip, xs, points)],
      },
    }, [xs, points.map((each) => each.score), front], frame);
    plot.over.append(tip);
    plot.over.addEventListener("click", () => { const near = nearest(plot, xs, points); if (near) open(near); });
    return plot;
  });
}

function decades(low, high) {
  const steps = high - low > 2.2 ? [1] : [1, 2, 5];
  const marks = [];
  for (let power = Math.floor(low); power <= high; power++) for (const step of steps) marks.push(power + Math.log10(step));
  return marks.filter((x) => x >= low && x <= high);
}

function drawMark(plot, x, each) {
  const { ctx } = plot;
  const [px, py, half] = [plot.valToPos(x, "x", true), plot.valToPos(each.score, "y", true), 5 * devicePixelRatio];
  const ink = token({ beats: "--good", worse: "--bad" }[each.mark] || "--muted");
  ctx.save();
  ctx.fillStyle = ctx.strokeStyle = ink;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  const turn = each.mark === "worse" ? -1 : 1;
  if (each.mark === "beats" || each.mark === "worse") {
    ctx.moveTo(px, py - turn * half);
    ctx.lineTo(px + half, py + turn * half);
    ctx.lineTo(px - half, py + turn * half);
    ctx.closePath();
  } else ctx.arc(px, py, half * 0.9, 0, 7);
  if (each.mark === "beats") ctx.fill();
  else ctx.stroke();
  if (each.front) {
    ctx.fillStyle = token("--text");
    ctx.font = `${12 * devicePixelRatio}px system-ui`;
    const right = px > plot.bbox.left + 0.7 * plot.bbox.width;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(each.name.length > 34 ? `${each.name.slice(0, 33)}…` : each.name, px + (right ? -1 : 1) * 1.8 * half, py - half);
  }
  ctx.restore();
}

function nearest(plot, xs, points) {
  const { left, top } = plot.cursor;
  let near = null;
  points.forEach((each, place) => {
    const away = Math.hypot(plot.valToPos(xs[place], "x") - left, plot.valToPos(each.score, "y") - top);
    if (away < 18 && (!near || away < near.away)) near = { away, each };
  });
  return near && near.each;
}

function showTip(plot, tip, xs, points) {
  const near = nearest(plot, xs, points);
  tip.hidden = !near;
  if (!near) return;
  tip.textContent = `${near.name}: ${number(near.score)} for ${seconds(near.cost)}`;
  const right = plot.cursor.left > plot.over.clientWidth / 2;
  tip.style.setProperty("left", right ? "auto" : `${plot.cursor.left + 12}px`);
  tip.style.setProperty("right", right ? `${plot.over.clientWidth - plot.cursor.left + 12}px` : "auto");
  tip.style.setProperty("top", `${plot.cursor.top + 12}px`);
}
