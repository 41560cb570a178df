// Heat maps: test error over epoch and frozen units, final errors over two fields. A field of it opens the cell's curves.

const MOST_COLUMNS = 240;
const CROSSED = "#e8552a"; // seen on every colour of the scale, and on dark and light
const map = { kind: "epochs", group: 0, measure: "test" };

function startMaps(page) {
  const kinds = [
    ...(page.epochMaps.length ? [["epochs", "epoch by frozen units"]] : []),
    ...[...new Set(page.gridMaps.map((grid) => `${grid.y} by ${grid.x}`))].map((name) => [name, name]),
  ];
  if (!kinds.length) {
    byId("maps").hidden = true;
    for (const link of document.querySelectorAll('a[href="#maps"]')) link.hidden = true;
    return;
  }
  map.kind = kinds.find(([name]) => name !== "epochs")?.[0] ?? "epochs";
  const groups = make("span");
  const chooseKind = (kind) => {
    map.kind = kind;
    const options = members(page).map((each, at) => [at, each.label]);
    map.group = Math.max(0, members(page).findIndex((each) => each.budgets?.length));
    const list = picker("Group", options, (value) => drawMap(page, { group: Number(value) }));
    list.querySelector("select").value = String(map.group);
    groups.replaceChildren(list);
    drawMap(page, {});
  };
  const measures = [["test", "test error"], ["train", "train error"]];
  const kind = picker("Map", kinds, chooseKind);
  kind.querySelector("select").value = map.kind;
  byId("map-controls").append(kind, groups, picker("Of", measures, (measure) => drawMap(page, { measure })));
  chooseKind(map.kind);
}

function members(page) {
  return map.kind === "epochs" ? page.epochMaps : page.gridMaps.filter((grid) => `${grid.y} by ${grid.x}` === map.kind);
}

function drawMap(page, change) {
  Object.assign(map, change);
  const group = members(page)[map.group];
  const describe = map.kind === "epochs" ? epochMap : gridMap;
  byId("map-about").textContent = map.kind === "epochs" ? `${group.label}: ${group.text}.` : group.label;
  byId("map-caption").textContent =
    map.kind === "epochs"
      ? "Mean over seeds. Line: the epoch at which the train error reaches 5 %. Triangles: peaks of the learning curves. " +
        "Diamonds: freezing-wise peaks, at budgets at which they are significant."
      : "Mean over seeds of the final error. Empty: no run is done, or none was asked for. Choose a field to see its curves.";
  chart(byId("map-chart"), () => describe(page, group));
}

function heat(more) {
  return {
    type: "heatmap", colorscale: "Cividis", hoverongaps: false,
    colorbar: { title: { text: isNarrow() ? "" : `${map.measure} error`, side: "right" }, ticksuffix: " %", thickness: 12, outlinewidth: 0 },
    ...more,
  };
}

function epochMap(page, group) {
  const means = group.cells.map((cell) => overSeeds(page.curveData, page.cells.runs[cell], map.measure, page.student));
  const longest = means.reduce((best, each) => (each.epoch.length > best.epoch.length ? each : best), means[0]);
  const last = longest.epoch.at(-1) ?? 1;
  const columns = spread(longest.epoch.length);
  const z = means.map((each) => columns.map((at) => (at < each.mean.length ? scaled(finite(each.mean[at])) : null)));
  const crossed = group.cells.map((cell, at) => [page.cells.crossing[cell], group.frozen[at]]);
  const ink = { color: "#ffffff", line: { color: "#000000", width: 1.5 } };
  const points = (found, symbol, name) => ({
    x: found.map(([epoch]) => epoch), y: found.map(([, frozen]) => String(frozen)), mode: "markers", name, hoverinfo: "skip",
    marker: { symbol, size: 11, ...ink },
  });
  const nearest = (value) => group.frozen.reduce((best, each) => (Math.abs(each - value) < Math.abs(best - value) ? each : best));
  return {
    traces: [
      heat({
        x: columns.map((at) => longest.epoch[at]), y: group.frozen.map(String), z, zmax: worst(z), zmin: map.measure === "train" ? 0 : best(z),
        hovertemplate: "epoch %{x:,d}, %{y} frozen: %{z:.1f} %<extra></extra>",
      }),
      {
        x: crossed.map(([epoch]) => epoch), y: crossed.map(([, frozen]) => String(frozen)), mode: "lines+markers",
        name: "train error 5 %", hoverinfo: "skip", line: { color: CROSSED, width: 3 }, marker: { color: CROSSED, size: 6 },
      },
      points(group.ridge, "triangle-up", "epoch-wise peak"),
      points(group.budgets.map(([epoch, frozen]) => [epoch, nearest(frozen)]), "diamond", "freezing-wise peak"),
    ],
    text: `Heat map of ${map.measure} error over epoch and frozen units of ${group.label}: ${group.text}.`,
    click: (point) => showCell(group.cells[group.frozen.map(String).indexOf(String(point.y))], true),
    layout: {
      xaxis: epochAxis(last, true, { showgrid: false, range: [Math.log10(0.7), Math.log10(1.06 * last)] }),
      yaxis: axis("frozen units", { type: "category", showgrid: false }),
    },
  };
}

// Places of at most MOST_COLUMNS epochs, spread evenly over their logarithm.
function spread(length) {
  if (length <= MOST_COLUMNS) return [...Array(length).keys()];
  const places = [...Array(MOST_COLUMNS).keys()].map((at) => Math.round(length ** (at / (MOST_COLUMNS - 1))) - 1);
  return [...new Set(places)];
}

// The colour scale ends at twice the median, or at the worst: the first epochs, near chance, must not take it all.
function worst(z) {
  const known = z.flat().filter((value) => value !== null).sort((a, b) => a - b);
  return known.length ? Math.min(known.at(-1), 2 * known[known.length >> 1] + 1) : 1;
}

// The other end: Plotly leaves out both where one is not given.
function best(z) {
  const known = z.flat().filter((value) => value !== null);
  return known.length ? Math.min(...known) : 0;
}

function finite(value) {
  return Number.isFinite(value) ? value : null;
}

function gridMap(page, grid) {
  const title = `${map.measure} error %`;
  const values = page.cells.columns.find((column) => column.title === title).values;
  const z = grid.cells.map((row) => row.map((cell) => (cell === null ? null : scaled(values[cell]))));
  const known = z.flat().filter((value) => value !== null);
  return {
    traces: [
      heat({
        x: grid.columns.map(String), y: grid.rows.map(String), z, xgap: 2, ygap: 2,
        texttemplate: known.length <= 150 ? "%{z:.1f}" : undefined,
        hovertemplate: `${plain(grid.x)} %{x}, ${plain(grid.y)} %{y}: %{z:.1f} %<extra></extra>`,
      }),
    ],
    text: `Heat map of the final ${map.measure} error of ${grid.label} over ${grid.y} and ${grid.x}.`,
    click: (point) => {
      const [row, column] = point.pointIndex;
      if (grid.cells[row][column] !== null) showCell(grid.cells[row][column], true);
    },
    layout: {
      xaxis: axis(grid.x === "frozen" ? "frozen units" : grid.x, { type: "category", showgrid: false }),
      yaxis: axis(grid.y === "frozen" ? "frozen units" : grid.y, { type: "category", showgrid: false }),
    },
  };
}
