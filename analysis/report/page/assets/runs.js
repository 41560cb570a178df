// The table of runs; a run that is done opens the curves of its cell.

function startRuns(page) {
  const cellOf = new Map(page.cells.runs.flatMap((rows, cell) => rows.map((row) => [row, cell])));
  new Table(byId("run-table"), page.runs.columns, "Runs of the sweep", {
    lead: (run, text) =>
      cellOf.has(run)
        ? make("button", { type: "button", class: "open", click: () => showCell(cellOf.get(run), true) }, text)
        : make("span", {}, text),
  });
}
