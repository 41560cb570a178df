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
  const annotations = Object.entries(group.points).map(([name, [x, error]]) => ({
    x: group.log ? Math.log10(x) : x, y: 100 * error, text: marks[name][0], showarrow: true, arrowhead: 0, arrowwidth: 1,
    arrowcolor: colour("quiet"), ax: 0, ay: marks[name][1] === "top" ? -34 : 34, font: { size: 12, color: colour("ink") },
    bgcolor: colour("card"), borderpad: 2,
  }));
  return {
    traces,
    text: axisSentence(group),
    click: (point) => showCell(group.cells[point.pointIndex], true),
    layout: {
      hovermode: "x unified",
      annotations,
      shapes: lost(group),
      xaxis: axis(group.words, {
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

// A line between the neighbours of which one interpolates and the other does not.
function lost(group) {
  if (!group.threshold) return [];
  const [inside, outside] = group.threshold;
  const middle = group.log ? Math.sqrt(inside * outside) : (inside + outside) / 2;
  return [
    {
      type: "line", xref: "x", yref: "paper", x0: middle, x1: middle, y0: 0, y1: 1,
      line: { color: colour("quiet"), width: 1.5, dash: "dot" },
      label: { text: "interpolation is lost", textangle: 0, textposition: "end", font: { size: 12, color: colour("quiet") } },
    },
  ];
}

function axisSentence(group) {
  const points = group.values
    .map((value, at) => (group.test.mean[at] === null ? null : `${show(group.test.mean[at], "share")} % at ${value}`))
    .filter(Boolean);
  return `Final test error of ${group.label} by ${group.words}: ${points.join(", ")}.`;
}
