// The state of the page lives in its address: what is looked at can be linked, and comes back.

const VIEWS = {
  ranking: ["Ranking", rankingView],
  saturation: ["Saturation", saturationView],
  curves: ["Curves", curvesView],
  scaling: ["Scaling", scalingView],
  cost: ["Cost", costView],
  compare: ["Compare", compareView],
  missing: ["Missing", missingView],
  provenance: ["Provenance", provenanceView],
  help: ["How to read", helpView],
};
const DEFAULTS = {
  view: "ranking",
  task: "",
  metric: "",
  sampler: "",
  rule: "R4",
  show: "",
  law: "",
  q: "",
  sort: "",
  w: "",
  a: "",
  b: "",
  unit: "share",
  open: "",
  theme: "",
  wide: "",
};

const LARGEST_FIRST = /^(best|gain|beats|error|coverage|score|jobs|seeds|z|t\d+)$/;

function parse(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const state = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS)) if (given.has(key)) state[key] = given.get(key);
  if (!Object.hasOwn(VIEWS, state.view)) state.view = DEFAULTS.view;
  if (!Object.hasOwn(RULES, state.rule)) state.rule = DEFAULTS.rule;
  return state;
}

function write(state) {
  const kept = new URLSearchParams(Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key]));
  return `#${kept}`;
}

function makeApp(board) {
  const app = { board, state: parse(location.hash), live: null };
  const main = document.getElementById("main");
  const dialog = makeDialog(app);
  document.body.append(dialog);
  Object.defineProperty(app, "rule", { get: () => (board.hasVerdicts ? app.state.rule : "R0") });
  app.link = (patch) => write({ ...app.state, ...(patch.view ? { sort: "", q: "" } : {}), ...patch });
  app.go = (patch) => {
    app.state = { ...app.state, ...patch };
    history.pushState(null, "", write(app.state));
    app.render();
  };
  app.search = (q) => {
    app.state.q = q;
    history.replaceState(null, "", write(app.state));
    if (app.live) app.live.choose(app.live.shown);
  };
  app.sortBy = (key) => {
    const start = performance.now();
    app.state.sort = turned(app.live.sorted(), key);
    history.replaceState(null, "", write(app.state));
    app.live.order(app.state.sort);
    void main.offsetHeight; // the layout belongs to what a reader waits for
    performance.measure("sort", { start, end: performance.now() });
  };
  app.weights = () => {
    const given = app.state.w.split(",").map(Number);
    return board.tables.map((table, t) => (app.state.w && given[t] >= 0 ? given[t] : 1));
  };
  let last = "";
  app.render = () => {
    const shown = write({ ...app.state, open: "", theme: "" });
    applyTheme(app.state.theme);
    if (shown !== last || app.state.theme !== app.theme) {
      keepFocus(() => {
        forgetPictures();
        main.replaceChildren(...pieces(VIEWS[app.state.view][1](app)));
        drawNav(app);
      });
      last = shown;
      app.theme = app.state.theme;
    }
    showDetails(app, dialog);
  };
  return app;
}

const pieces = (content) => content.flat(Infinity).filter(Boolean);

function makeDialog(app) {
  const close = () => app.state.open && app.go({ open: "" });
  const click = (event) => event.target === dialog && dialog.close();
  const dialog = el("dialog", { id: "details", "aria-labelledby": "details-title", on: { close, click } });
  return dialog;
}

/** The order after a click on a heading: the other way round where it was sorted by it already. */
function turned(sorted, key) {
  const [old, way] = sorted.split(":");
  const isDown = old === key ? way !== "down" : LARGEST_FIRST.test(key);
  return `${key}:${isDown ? "down" : "up"}`;
}

/** A control that was used keeps the focus when its surroundings are drawn anew. */
function keepFocus(draw) {
  const { activeElement } = document;
  const id = activeElement && activeElement.id;
  const caret = id === "q" ? activeElement.selectionStart : null;
  draw();
  const again = id && document.getElementById(id);
  if (again && again !== document.activeElement) again.focus({ preventScroll: true });
  if (again && caret !== null) again.setSelectionRange(caret, caret);
}

function showDetails(app, dialog) {
  const [table, name] = app.state.open.split(" :: ");
  const held = app.board.byTable.get(table);
  const entry = held && [...held.curves, ...held.constants].find((each) => each.id === name);
  if (!entry) {
    if (dialog.open) dialog.close();
    return;
  }
  keepFocus(() => dialog.replaceChildren(detailsHead(entry, dialog), ...pieces(curveDetails(app, entry))));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function detailsHead(entry, dialog) {
  const close = { id: "close", type: "button", "aria-label": "Close", on: { click: () => dialog.close() } };
  return el("header", {}, el("h2", { id: "details-title" }, entry.id), el("button", close, "✕"));
}

function drawNav(app) {
  const { theme } = app.state;
  const themes = [
    ["", "as the device"],
    ["light", "light"],
    ["dark", "dark"],
  ];
  document.getElementById("views").replaceChildren(
    el(
      "ul",
      {},
      Object.keys(VIEWS).map((view) => el("li", {}, viewLink(app, view))),
    ),
    choice("theme", "Colours", themes, theme, (picked) => app.go({ theme: picked })),
  );
}

function viewLink(app, view) {
  const { task, sampler, rule } = app.state;
  const absent = view === "missing" ? jobsWithout(app.board, "failed", "missing") : 0;
  return el(
    "a",
    {
      id: `view-${view}`,
      href: app.link({ task, sampler, rule, view }),
      "aria-current": view === app.state.view ? "page" : null,
    },
    VIEWS[view][0],
    absent > 0 && el("span", { class: "badge" }, whole(absent)),
  );
}

/** How many jobs have no score for these reasons. */
const jobsWithout = (board, ...kinds) =>
  board.absent.filter(({ kind }) => kinds.includes(kind)).reduce((sum, { at }) => sum + at.length, 0);

function applyTheme(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.setAttribute("data-theme", theme);
  else document.documentElement.removeAttribute("data-theme");
}

function drawHead(board) {
  document
    .getElementById("top")
    .replaceChildren(
      ...pieces([
        el("h1", {}, board.suite, board.version && el("span", { class: "badge" }, board.version)),
        board.about && el("p", { class: "about" }, board.about),
        el("p", { class: "muted" }, sizeWords(board)),
        board.trial && el("p", { class: "notice" }, "A trial on limited cells, not a result."),
      ]),
    );
  const made = "Made from board.json beside this page, by harness. Charts: uPlot (MIT).";
  document.getElementById("foot").append(el("p", { class: "muted" }, made));
}

function sizeWords(board) {
  const models = board.subjects.filter((subject) => subject.kind === "model").length;
  const lost = ["failed", "missing", "not applicable"]
    .map((kind) => [jobsWithout(board, kind), kind])
    .filter(([n]) => n)
    .map(([n, kind]) => `${whole(n)} ${kind}`);
  return [
    plural(models, "pretrained model"),
    plural(board.tables.length, "task"),
    `${plural(board.scored, "job")} scored`,
    ...lost,
    board.finished.slice(0, 10),
  ]
    .filter(Boolean)
    .join(" · ");
}

const TYPED_INTO = /^(INPUT|SELECT|TEXTAREA)$/;

function onKey(app) {
  return (event) => {
    const isElsewhere =
      event.ctrlKey || event.metaKey || event.altKey || TYPED_INTO.test(event.target.tagName);
    if (isElsewhere || app.state.open) return;
    const view = Object.keys(VIEWS)[Number(event.key) - 1];
    const input = document.getElementById("q");
    if (event.key === "/" && input) {
      event.preventDefault();
      input.focus();
    } else if (view) location.hash = app.link({ view });
  };
}

function listen(app) {
  const follow = () => {
    app.state = parse(location.hash);
    app.render();
  };
  addEventListener("hashchange", follow);
  addEventListener("popstate", follow);
  addEventListener("keydown", onKey(app));
  addEventListener("beforeprint", () => {
    if (app.live && app.live.all) app.live.all();
    drawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    app.theme = null;
    app.render();
  });
}

const TOO_OLD =
  "This browser is too old for this page (it lacks DecompressionStream, which all have had since 2023); " +
  "read BOARD.md beside it.";

async function start() {
  const main = document.getElementById("main");
  try {
    const app = makeApp(await readBoard());
    drawHead(app.board);
    app.render();
    listen(app);
    void main.offsetHeight;
    performance.mark("shown");
    document.documentElement.setAttribute("data-ready", "");
  } catch (error) {
    const why = "DecompressionStream" in window ? `This page cannot be shown: ${error.message}` : TOO_OLD;
    main.replaceChildren(el("p", { class: "notice" }, why));
    throw error;
  }
}

start();
