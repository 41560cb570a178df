// Final errors along an axis: every seed, the mean with its interval, where interpolation is lost, the three points.

function startAxes(page) {
  const list = byId("axis-group");
  if (!list) return;
  const choose = () => {
    for (const article of document.querySelectorAll("[data-group]")) article.hidden = article.dataset.group !== list.value;
    chart(byId("axis-chart"), () => axisChart(page, page.axes[Number(list.value)]));
  };
  const called = page.axes.findIndex((group) => group.called);
  list.value = String(Math.max(0, called));
  list.addEventListener("change", choose);
  choose();
}

function axisChart(page, group) {
  const traces = [];
  for (const name of ["train", "test"]) traces.push(dots(group, name), line(group, name));
  const marks = { first_min: ["first minimum", "bottom"], peak: ["peak", "top"], second_min: ["second minimum", "bottom"] };
  const annotations = lostLabel(group);
  const points = Object.entries(group.points).map(([name, [x, error]]) => ({
    x: placed(group, x), y: reach(group, x, error, marks[name][1] === "top"), text: marks[name][0], showarrow: false,
    yanchor: marks[name][1] === "top" ? "bottom" : "top", font: { size: 12, color: colour("ink") },
    xanchor: edge(group, x), bgcolor: faded(colour("card"), 0.8), borderpad: 1,
  }));
  annotations.push(...points);
  return {
    traces,
    text: axisSentence(group),
    click: (point) => showCell(group.cells[point.pointIndex], true),
    layout: {
      hovermode: "x unified",
      annotations,
      shapes: lost(group),
      xaxis: axis(group.words, {
        range: span(group), tickangle: 0, tickfont: { size: isNarrow() ? 11 : 13 },
        type: group.log ? "log" : "linear", ...(group.values.length <= 16 ? { tickvals: group.values } : { nticks: 12 }),
      }),
      yaxis: errorAxis("final error", { hoverformat: ".1f" }),
    },
  };
}

function dots(group, name) {
  const seeds = group[name].seeds;
  return {
    x: seeds.flatMap(() => group.values), y: seeds.flatMap((errors) => errors.map(scaled)), mode: "markers",
    marker: { color: colour(name), size: 5, opacity: 0.45 }, hoverinfo: "skip", showlegend: false,
  };
}

function line(group, name) {
  const { mean, low, high } = group[name];
  const filled = group.interpolates.map((flag) => (flag === 1 ? colour(name) : colour("card")));
  return {
    x: group.values, y: mean.map(scaled), mode: "lines+markers", name: `${name} error`, legendrank: name === "test" ? 1 : 2,
    line: { color: colour(name), width: 2.2, dash: name === "train" ? "dash" : "solid" },
    marker: { color: filled, size: 9, line: { color: colour(name), width: 2 } },
    error_y: {
      type: "data", symmetric: false, color: colour(name), thickness: 1.4, width: 3,
      array: high.map((value, at) => (value === null ? 0 : 100 * (value - mean[at]))),
      arrayminus: low.map((value, at) => (value === null ? 0 : 100 * (mean[at] - value))),
    },
  };
}

function scaled(value) {
  return value === null ? null : 100 * value;
}

// The label stands on the side of the line that has more room.
function lostLabel(group) {
  if (!group.threshold) return [];
  const [low, high] = span(group);
  const x = placed(group, between(group));
  const left = x > (low + high) / 2;
  return [
    {
      x, y: 1, yref: "paper", text: "interpolation is lost", showarrow: false, xanchor: left ? "right" : "left",
      yanchor: "top", xshift: left ? -4 : 4, bgcolor: colour("card"), font: { size: 12, color: colour("quiet") },
    },
  ];
}

// Labels at an edge stand inside of it.
function edge(group, value) {
  const [low, high] = span(group);
  const share = (placed(group, value) - low) / (high - low);
  if (share < 0.15) return "left";
  return isNarrow() && share > 0.85 ? "right" : "center";
}

// How far seeds and interval of a point go, up or down: its label stands beyond them.
function reach(group, x, error, up) {
  const at = group.values.indexOf(x);
  const { seeds, low, high } = group.test;
  const known = [error, low[at], high[at], ...seeds.map((errors) => errors[at])].filter(Number.isFinite);
  return 100 * (up ? Math.max(...known) : Math.min(...known));
}

function between(group) {
  const [inside, outside] = group.threshold;
  return group.log ? Math.sqrt(inside * outside) : (inside + outside) / 2;
}

// A value in the axis' own units.
function placed(group, value) {
  return group.log ? Math.log10(value) : value;
}

function span(group) {
  const values = group.values.map((value) => placed(group, value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = 0.07 * (high - low || 1);
  return [low - margin, high + margin];
}

// A line between the neighbours of which one interpolates and the other does not.
function lost(group) {
  if (!group.threshold) return [];
  const middle = between(group);
  return [
    {
      type: "line", xref: "x", yref: "paper", x0: middle, x1: middle, y0: 0, y1: 1,
      line: { color: colour("quiet"), width: 1.5, dash: "dot" },
    },
  ];
}

function axisSentence(group) {
  const points = group.values
    .map((value, at) => (group.test.mean[at] === null ? null : `${show(group.test.mean[at], "share")} % at ${value}`))
    .filter(Boolean);
  return `Final test error of ${group.label} by ${group.words}: ${points.join(", ")}.`;
}
