// Charts as Plotly draws them, in the page's colours: drawn when they come near, again when the colours change.

const OPTIONS = {
  responsive: true,
  displaylogo: false,
  modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
};
const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && target.pending) {
        near.unobserve(target);
        target.pending();
      }
    }
  },
  { rootMargin: "400px" },
);
const charts = new Set();

// Whether there is room for a plain legend only.
function isNarrow() {
  return innerWidth < 600;
}

function axis(title, more = {}) {
  return {
    title: { text: title, standoff: 8 }, gridcolor: colour("line"), zeroline: false, linecolor: colour("quiet"),
    ticks: "outside", tickcolor: colour("line"), automargin: true, ...more,
  };
}

// An axis of epochs, logarithmic or not, with ticks that people count in.
function epochAxis(last, log, more = {}) {
  const decades = [...Array(8).keys()].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
  const tickvals = decades.filter((epoch) => epoch <= 1.1 * last);
  return axis("epoch", {
    type: log ? "log" : "linear", hoverformat: ",d", tickformat: ",d", ...(log ? { tickvals } : { nticks: 8 }), ...more,
  });
}

function errorAxis(title, more = {}) {
  return axis(title, { ticksuffix: " %", rangemode: "tozero", ...more });
}

function layout(more) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("ink") },
    margin: { l: 56, r: 12, t: 48, b: 44 }, hoverlabel: {
      bgcolor: colour("card"), bordercolor: colour("line"), font: { color: colour("ink") }, align: "left", namelength: -1,
    },
    legend: { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom", font: { size: 12 }, traceorder: "normal" },
    modebar: { bgcolor: colour("card"), color: colour("quiet"), activecolor: colour("ink") },
    dragmode: "zoom", ...more,
  };
}

// `describe` gives { traces, layout, text, click, points }: text says in words what is seen, click is told of points.
function chart(element, describe) {
  element.describe = describe;
  element.tabIndex = 0;
  element.setAttribute("role", "group");
  charts.add(element);
  if (!element.drawn) {
    element.drawn = true;
    element.addEventListener("keydown", (event) => onKey(element, event));
    element.pending = () => draw(element);
    near.observe(element);
  } else if (!element.pending || element.data) draw(element);
}

async function draw(element) {
  element.pending = null;
  const Plotly = await withPlotly();
  if (!element.isConnected) {
    charts.delete(element);
    return;
  }
  const { traces, layout: own, text, click } = element.describe();
  element.setAttribute("aria-label", `Chart. ${text} Arrow keys go along it, plus and minus zoom, 0 shows all.`);
  const first = !element.data;
  await Plotly.react(element, traces, layout(own), OPTIONS);
  if (!first) return;
  element.on("plotly_click", (event) => element.describe().click?.(event.points[0]));
  element.on("plotly_relayout", (change) => element.zoomed?.(change));
}

function redraw() {
  for (const element of charts) {
    if (!element.isConnected) charts.delete(element);
    else if (element.data) draw(element);
  }
}

// Keys on a chart: the hover goes along the longest line, plus and minus zoom about it.
function onKey(element, event) {
  if (!element.data || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const zoom = { "+": 0.6, "=": 0.6, "-": 1 / 0.6 }[event.key];
  const { xaxis } = element._fullLayout;
  if (step) {
    const xs = element.data.reduce((best, trace) => (trace.x && trace.x.length > best.length ? trace.x : best), []);
    const jump = Math.max(1, Math.round(xs.length / 60));
    element.at = Math.min(xs.length - 1, Math.max(0, (element.at ?? -1) + step * jump));
    const { _length: width } = xaxis;
    const at = { xval: xaxis.d2c(xs[element.at]), ypx: element._fullLayout.yaxis._length / 2, xpx: width / 2 };
    globalThis.Plotly.Fx.hover(element, at, "xy");
  } else if (zoom) {
    const [low, high] = xaxis.range;
    const [middle, half] = [(low + high) / 2, (zoom * (high - low)) / 2];
    globalThis.Plotly.relayout(element, { "xaxis.range": [middle - half, middle + half] });
  } else if (event.key === "0") {
    globalThis.Plotly.relayout(element, { "xaxis.autorange": true, "yaxis.autorange": true });
  } else return;
  event.preventDefault();
}
