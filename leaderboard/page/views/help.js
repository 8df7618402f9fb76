// How to read it.

function helpView(app) {
  app.live = null;
  const keys = [
    ["/", "search"],
    [`1 to ${Object.keys(VIEWS).length}`, "the views"],
    ["arrows", "walk over the saturation map"],
    ["Esc", "close a curve"],
  ];
  return [
    el("h2", {}, "How to read it"),
    el(
      "ul",
      { class: "prose" },
      howToRead(app.board).map((line) => el("li", {}, line)),
    ),
    section("Marks", el("ul", { class: "plain" }, marksList())),
    section("Saturation rules", factList(Object.entries(RULES))),
    section("Scaling", factList(SCALING_TERMS)),
    section("Keys", factList(keys.map(([key, deed]) => [el("kbd", {}, key), deed]))),
    section(
      "Links",
      el(
        "p",
        {},
        "The address of this page changes with what you look at: copy it to show somebody the same. Every ",
        "number is one of board.json beside the page; every run names the address of its job.",
        !app.board.every_run &&
          " To stay small, this page holds single runs of the primary metrics only; those of the others ",
        "are in board.json.",
      ),
    ),
  ];
}

const SCALING_TERMS = [
  ...Object.entries(LAWS),
  ["weight", "share of a law by AICc among the three"],
  [
    "limit, exponent",
    [
      "E and a of E + A n^-a over the trained sizes, whatever its weight; ",
      "told where the sizes tell them, the exponent over 1.5 decades of sizes and more",
    ],
  ],
  ["gain per tenfold", "slope of the score on log10 cells over all trained sizes; positive is better"],
  ["largest size, predicted", "by the family of curves that AICc selects on the smaller sizes"],
  ["diversity", "Vendi: the effective number of unlike cells of a sample"],
];

/** The list of BOARD.md, without its marks. */
const howToRead = (board) =>
  board.how_to_read
    .split(/\n(?=- )/)
    .map((line) =>
      line.replace(/^- /, "").replaceAll("\n", " ").replaceAll("**", "").replaceAll("`", "").trim(),
    )
    .filter(Boolean);

const marksList = () =>
  Object.entries(MARKS).map(([key, { sign, words }]) =>
    el("li", {}, el("span", { class: `mark ${key}` }, sign), ` ${words}`),
  );
