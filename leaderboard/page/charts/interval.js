// Small pictures in the cells of tables: an estimate with its interval, as SVG.

/** A gain with its interval on the common axis of a column; the line in the middle is doing nothing. */
function gainPicture(found, reach) {
  if (!found || found.estimate === undefined || found.low === undefined) return null;
  const [width, height] = [96, 18];
  const x = (value) => 5 + ((width - 10) * (value - reach[0])) / (reach[1] - reach[0]);
  return intervalPicture(`gain ${found.verdict}`, width, height, [
    svg("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: height }),
    across("span", x(found.low), x(found.high), height),
    svg("circle", { cx: x(found.estimate), cy: height / 2, r: 3.5 }),
  ]);
}

/** A place with its interval among all places. */
function placePicture(row, most) {
  const [width, height] = [64, 14];
  const x = (value) => 4 + ((width - 8) * (value - 1)) / Math.max(1, most - 1);
  return intervalPicture("place", width, height, [
    across("track", 4, width - 4, height),
    across("span", x(row.low), x(row.high), height),
    svg("circle", { cx: x(row.rank), cy: height / 2, r: 3.5 }),
  ]);
}

const intervalPicture = (kind, width, height, content) =>
  svg(
    "svg",
    { class: kind, viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
    content,
  );

const across = (kind, x1, x2, height) => svg("line", { class: kind, x1, x2, y1: height / 2, y2: height / 2 });
