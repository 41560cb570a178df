// The table of cells: a row opens its curves, its box adds them to those that are shown.

function startCells(page) {
  const marked = new Map();
  const table = new Table(byId("cell-table"), page.cells.columns, "Cells of the sweep", {
    lead: (cell, text) =>
      make("button", {
        type: "button", class: "open", "aria-label": `Curves of ${page.cells.labels[cell]}`, click: () => showCell(cell, true),
      }, text),
    extra: [
      {
        title: "compare",
        cell: (cell) => {
          const box = make("input", {
            type: "checkbox", "aria-label": `Compare ${page.cells.labels[cell]}`, change: () => toggleCell(cell),
          });
          box.checked = panel.cells.includes(cell);
          marked.set(cell, box);
          return box;
        },
      },
    ],
  });
  const mark = () => {
    for (const [cell, box] of marked) {
      box.checked = panel.cells.includes(cell);
      box.closest("tr")?.classList.toggle("chosen", box.checked);
    }
  };
  table.body.addEventListener("click", (event) => {
    if (event.target.closest("button, input, a")) return;
    const row = event.target.closest("tr");
    if (row) showCell(Number(row.dataset.row), true);
  });
  panel.listeners.push(mark);
  mark();
}
