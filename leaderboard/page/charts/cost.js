// The plane of cost and score.

/** Score against cost; what nothing cheaper matches is the front. */
function costPicture(points, table, open) {
  const front = points.filter((each) => each.front).map((each) => each.name);
  const words = [
    `Score against seconds for ${plural(points.length, "model")} on ${table.id};`,
    `on the front: ${front.join(", ")}. The table below holds the numbers.`,
  ];
  return picture(words.join(" "), 380, (frame) => drawCosts(frame, points, open));
}

function drawCosts(frame, points, open) {
  const xs = points.map((each) => Math.log10(Math.max(each.cost, 1e-4)));
  const scores = points.map((each) => each.score);
  const front = points.map((each) => (each.front ? each.score : null));
  const tip = el("div", { class: "tip", hidden: true });
  const plot = new uPlot(
    {
      width: frame.clientWidth,
      height: 380,
      legend: { show: false },
      cursor: { x: false, y: false, drag: { x: false, y: false }, points: { show: false } },
      padding: [12, 24, 0, 0],
      scales: {
        x: { time: false, range: (plot, low, high) => [low - 0.2, high + 0.2] },
        y: { range: (plot, low, high) => padded(low, high) },
      },
      axes: [costAxis(), axis({ size: 52 })],
      series: [{}, { stroke: "transparent", width: 0, points: { show: false } }, frontLine()],
      hooks: {
        draw: [(plot) => points.forEach((each, place) => drawMark(plot, xs[place], each))],
        setCursor: [(plot) => showTip(plot, tip, xs, points)],
      },
    },
    [xs, scores, front],
    frame,
  );
  plot.over.append(tip);
  plot.over.addEventListener("click", () => {
    const near = nearest(plot, xs, points);
    if (near) open(near);
  });
  return plot;
}

const costAxis = () =>
  axis({
    size: 28,
    label: "fit and embedding, per run",
    labelSize: 22,
    labelFont: FONT,
    splits: (plot, nth, low, high) => decades(low, high),
    values: (plot, splits) => splits.map((x) => seconds(10 ** x)),
  });

const frontLine = () => ({
  stroke: token("--blue"),
  width: 1.5,
  spanGaps: true,
  points: { show: false },
  paths: uPlot.paths.stepped({ align: 1 }),
});

function decades(low, high) {
  const steps = high - low > 2.2 ? [1] : [1, 2, 5];
  const marks = [];
  for (let power = Math.floor(low); power <= high; power++)
    for (const step of steps) marks.push(power + Math.log10(step));
  return marks.filter((x) => x >= low && x <= high);
}

function drawMark(plot, x, each) {
  const { ctx } = plot;
  const [px, py] = [plot.valToPos(x, "x", true), plot.valToPos(each.score, "y", true)];
  const half = 5 * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = ctx.strokeStyle = token({ beats: "--good", worse: "--bad" }[each.mark] || "--muted");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  if (each.mark === "beats") traceTriangle(ctx, px, py, half);
  else if (each.mark === "worse") traceTriangle(ctx, px, py, half, -1);
  else ctx.arc(px, py, half * 0.9, 0, 7);
  if (each.mark === "beats") ctx.fill();
  else ctx.stroke();
  if (each.front) drawName(plot, px, py, half, each.name);
  ctx.restore();
}

function traceTriangle(ctx, x, y, half, turn = 1) {
  ctx.moveTo(x, y - turn * half);
  ctx.lineTo(x + half, y + turn * half);
  ctx.lineTo(x - half, y + turn * half);
  ctx.closePath();
}

function drawName({ ctx, bbox }, x, y, half, name) {
  const isRight = x > bbox.left + 0.7 * bbox.width;
  ctx.fillStyle = token("--text");
  ctx.font = `${12 * devicePixelRatio}px system-ui`;
  ctx.textAlign = isRight ? "right" : "left";
  const short = name.length > 34 ? `${name.slice(0, 33)}…` : name;
  ctx.fillText(short, x + (isRight ? -1 : 1) * 1.8 * half, y - half);
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
  const { left, top } = plot.cursor;
  const width = plot.over.clientWidth;
  const isRight = left > width / 2;
  tip.textContent = `${near.name}: ${number(near.score)} for ${seconds(near.cost)}`;
  tip.style.setProperty("left", isRight ? "auto" : `${left + 12}px`);
  tip.style.setProperty("right", isRight ? `${width - left + 12}px` : "auto");
  tip.style.setProperty("top", `${top + 12}px`);
}
