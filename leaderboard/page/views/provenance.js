// Where the numbers come from.

function provenanceView(app) {
  const { provenance, about } = app.board;
  app.live = null;
  const data = provenance.data.map(([kind, name, n, digest, notes]) => [
    kind,
    name,
    n,
    el("code", {}, digest.slice(0, 16)),
    notes,
  ]);
  return [
    el("h2", {}, "Where these numbers come from"),
    about && el("p", {}, about),
    factList(originsOf(app.board)),
    listed("Plugins", PLUGIN_COLUMNS, provenance.plugins, true),
    listed("Data", ["kind", "data", "cells", "digest", "notes"], data, true),
    listed("Genes in common", ["data set", "corpus", "shares"], provenance.overlap),
    listed("Fits", provenance.fits.columns, provenance.fits.rows, false, (place) => place === 0),
    listed("Samples", provenance.samples.columns, provenance.samples.rows, false, (place) => place < 2),
  ];
}

const PLUGIN_COLUMNS = ["kind", "plugin", "version", "distribution", "licence", "to be cited", "caveats"];

const originsOf = ({ provenance, finished, schema_version: schema }) =>
  [
    ["harness", provenance.harness],
    ["finished", finished],
    ["device", provenance.device],
    ["precision", provenance.precision],
    ["seeds", provenance.seeds],
    ...provenance.environments.map((each) => ["computed with", each]),
    ["schema of board.json", String(schema)],
  ].filter(([, value]) => value);

/** A section with a table; nothing without rows, unless it is always there. */
const listed = (title, columns, rows, always = false, left = undefined) =>
  (always || rows.length > 0) && section(title, simpleTable(title, columns, rows, left));
