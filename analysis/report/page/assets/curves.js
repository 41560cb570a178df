// The curves of one cell: seeds, mean, band; where it interpolates; first minimum, peak and last epoch.

const shown = { seeds: true, mean: true, band: true, train: true, log: true };
const HEADROOM = 1.7;

function percent(values) {
  return Array.from(values, (value) => (Number.isFinite(value) ? 100 * value : null));
}

function cellChart(page, cell, top) {
  const rows = page.cells.runs[cell];
  const runs = rows.map((row) => page.curveData.run(row));
  const means = Object.fromEntries(
    ["test", "train"].map((name) => [name, overSeeds(page.curveData, rows, name, page.student)]),
  );
  const traces = [];
  for (const name of shown.train ? ["train", "test"] : ["test"]) {
    const look = { color: colour(name), dash: name === "train" ? "dash" : "solid" };
    if (shown.band && rows.length > 1) traces.push(...band(means[name], look.color));
    if (shown.seeds) runs.forEach((run, at) => traces.push(seed(run, name, look, page.runs.seeds[rows[at]])));
    if (shown.mean) traces.push(mean(means[name], name, look, rows.length));
  }
  traces.push(...marks(page, cell, means.test));
  const last = means.test.epoch.at(-1) ?? 1;
  return {
    traces,
    text: sentence(page, cell, means),
    layout: {
      hovermode: "x unified",
      shapes: shadows(means.train, page.interpolatesAt),
      xaxis: epochAxis(last, shown.log, {
        range: shown.log ? [Math.log10(0.9), Math.log10(1.08 * last)] : [0, 1.02 * last],
      }),
      yaxis: errorAxis("error", { range: [0, 100 * top], hoverformat: ".2f" }),
    },
  };
}

function band(means, color) {
  const line = { width: 0 };
  const quiet = { x: means.epoch, mode: "lines", line, showlegend: false, hoverinfo: "skip" };
  return [
    { ...quiet, y: percent(means.low) },
    { ...quiet, y: percent(means.high), fill: "tonexty", fillcolor: faded(color, 0.22) },
  ];
}

function seed(run, name, look, number) {
  const alone = !shown.mean;
  return {
    x: Array.from(run.epoch), y: percent(run[name]), mode: "lines", showlegend: false, opacity: alone ? 0.8 : 0.35,
    line: { ...look, width: 1 }, name: `${name}, seed ${number}`, ...(alone ? {} : { hoverinfo: "skip" }),
  };
}

function mean(means, name, look, n) {
  return {
    x: means.epoch, y: percent(means.mean), mode: "lines", line: { ...look, width: 2.4 },
    name: `${name} error, mean of ${n}`, legendrank: name === "test" ? 1 : 2,
  };
}

// Open where the shape is no significant double descent.
function marks(page, cell, means) {
  const [points, called] = [page.cells.points[cell], page.cells.called[cell]];
  const found = [
    ["first minimum", points.first, "triangle-down"],
    ["peak", points.peak, "triangle-up"],
    ["last", means.epoch.length ? [means.epoch.at(-1), means.mean.at(-1), null, null] : null, "circle"],
  ].filter(([, point]) => point && Number.isFinite(point[1]));
  return found.map(([name, [epoch, error, low, high], symbol]) => ({
    x: [epoch], y: [100 * error], mode: "markers", name, showlegend: !isNarrow(), legendrank: 9,
    hovertemplate: `${name}: ${show(error, "share")} % at epoch ${show(epoch, "whole")}<extra></extra>`,
    error_x: low === null ? undefined : {
      type: "data", symmetric: false, array: [high - epoch], arrayminus: [epoch - low], color: colour("ink"),
      thickness: 1.2, width: 3,
    },
    marker: {
      symbol: called || name === "last" ? symbol : `${symbol}-open`, size: 11, color: colour("ink"),
      line: { color: colour("card"), width: called || name === "last" ? 1.5 : 2 },
    },
  }));
}

// Shaded: epochs at which the mean train error is at most the threshold.
function shadows(means, threshold) {
  const found = [];
  let begin = null;
  means.epoch.forEach((epoch, at) => {
    const inside = means.mean[at] <= threshold;
    if (inside && begin === null) begin = epoch;
    if (begin !== null && (!inside || at === means.epoch.length - 1)) {
      found.push({
        type: "rect", xref: "x", yref: "paper", x0: begin, x1: epoch, y0: 0, y1: 1, layer: "below", line: { width: 0 },
        fillcolor: colour("shade"),
      });
      begin = null;
    }
  });
  return found;
}

function sentence(page, cell, means) {
  const point = (name, words) => {
    const found = page.cells.points[cell][name];
    return found ? `${words} ${show(found[1], "share")} % at epoch ${show(found[0], "whole")}, ` : "";
  };
  const crossing = page.cells.crossing[cell];
  const inside = crossing === null ? "It does not interpolate." : `It interpolates from epoch ${show(crossing, "whole")}.`;
  return (
    `Test error of ${page.cells.labels[cell]}: ${point("first", "first minimum")}${point("peak", "peak")}` +
    `last ${show(means.test.mean.at(-1), "share")} %. ${inside}`
  );
}

// The error that a chart should reach: above its end and its peak; the first epochs, near chance, may leave it.
function upper(page, cell) {
  const means = overSeeds(page.curveData, page.cells.runs[cell], "test", page.student);
  const peak = page.cells.points[cell].peak;
  const most = Math.max(means.mean.at(-1) || 0, peak ? peak[1] : 0);
  return most > 0 ? HEADROOM * most : 1;
}

function faded(color, share) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${share})`;
}
