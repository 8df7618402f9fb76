// Frames for pictures: drawn when they come into sight, in the colours of the page.

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
const seen = "IntersectionObserver" in window && new IntersectionObserver(drawSeen, { rootMargin: "300px" });

function drawSeen(entries) {
  for (const { target, isIntersecting } of entries)
    if (isIntersecting && waiting.has(target)) drawNow(target);
}

/** A frame whose picture is drawn when it comes into sight, told in words to those who do not see it. */
function picture(words, height, draw) {
  const frame = el("div", {
    class: "picture",
    role: "img",
    "aria-label": words,
    style: { height: `${height}px` },
  });
  waiting.set(frame, () => draw(frame));
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
  const fit = () =>
    frame.isConnected && frame.clientWidth && plot.setSize({ width: frame.clientWidth, height: plot.height });
  new ResizeObserver(fit).observe(frame);
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

const FONT = "12px system-ui";

/** What both axes of every chart have in common. */
const axis = (options) => ({
  stroke: token("--muted"),
  grid: { stroke: token("--line"), width: 1 },
  ticks: { show: false },
  font: FONT,
  ...options,
});

/** A range with a little room above and below. */
function padded(low, high) {
  if (low === null || high === null) return [0, 1];
  const room = Math.max((high - low) * 0.08, 1e-6, Math.abs(high) * 1e-3);
  return [low - room, high + room];
}
