// The panel of curves: one cell, or several side by side on the same axes.

const MOST_SHOWN = 6;
const panel = { cells: [], listeners: [] };

function startPanel(page) {
  panel.page = page;
  const best = Math.max(0, page.cells.called.indexOf(true));
  const first = page.cells.runs[best].length ? best : page.cells.runs.findIndex((rows) => rows.length > 0);
  if (first >= 0) panel.cells = [first];
  drawPanel();
}

function showCell(cell, scroll = false) {
  panel.cells = [cell];
  drawPanel();
  if (scroll) byId("panel").scrollIntoView({ behavior: "smooth", block: "nearest" });
}

function toggleCell(cell) {
  const at = panel.cells.indexOf(cell);
  if (at >= 0) panel.cells.splice(at, 1);
  else panel.cells = [...panel.cells, cell].slice(-MOST_SHOWN);
  drawPanel();
}

function drawPanel() {
  const { page, cells } = panel;
  const tops = cells.filter((cell) => page.cells.runs[cell].length).map((cell) => upper(page, cell));
  const top = page.curves.kind === "u2" ? Math.min(1, Math.max(0.02, ...tops)) : Math.max(0.02, ...tops);
  const grid = make("div", { class: "grid", "data-count": cells.length });
  for (const cell of cells) grid.append(card(page, cell, top));
  if (!cells.length) grid.append(make("p", { class: "quiet" }, "No cell is chosen."));
  byId("panel").replaceChildren(controls(), grid);
  for (const listener of panel.listeners) listener(cells);
}

function controls() {
  const names = { seeds: "seeds", mean: "mean", band: "95 % band", train: "train error", log: "log epochs" };
  const boxes = Object.entries(names).map(([name, label]) =>
    checkbox(label, shown[name], (checked) => {
      shown[name] = checked;
      for (const element of byId("panel").querySelectorAll(".chart")) chart(element, element.describe);
    }),
  );
  return make("div", { class: "controls", role: "group", "aria-label": "What curves show" }, ...boxes);
}

function card(page, cell, top) {
  const label = page.cells.labels[cell];
  const close = make(
    "button", { type: "button", class: "close", "aria-label": `Close ${label}`, click: () => toggleCell(cell) }, "×",
  );
  const element = make("div", { class: "chart" });
  const body = page.cells.runs[cell].length ? element : make("p", { class: "quiet" }, "No run of this cell is done.");
  if (body === element) {
    element.zoomed = (change) => zoomTogether(element, change);
    queueMicrotask(() => chart(element, () => cellChart(page, cell, top)));
  }
  return make(
    "figure", { class: "card", "data-cell": cell },
    make("div", { class: "card-head" }, make("h3", {}, label), close),
    body,
    make(
      "figcaption", {},
      `${sentenceCase(page.cells.verdicts[cell])}. Shaded: mean train error at most ${show(page.interpolatesAt, "share")} %.`,
    ),
  );
}

// Zooming one chart zooms those beside it.
let together = false;

async function zoomTogether(element, change) {
  const wanted = Object.fromEntries(Object.entries(change).filter(([name]) => /^[xy]axis\./.test(name)));
  if (together || !Object.keys(wanted).length) return;
  together = true;
  const others = [...byId("panel").querySelectorAll(".chart")].filter((other) => other !== element && other.data);
  await Promise.all(others.map((other) => globalThis.Plotly.relayout(other, wanted)));
  together = false;
}
