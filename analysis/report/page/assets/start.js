// The page begins: text is there already, tables and charts follow.

async function start() {
  startTheme();
  startSections();
  const [text, buffer] = await Promise.all([inflateText("page-data"), inflate("page-curves")]);
  const page = JSON.parse(text);
  page.curveData = new Curves(buffer, page.curves);
  startAxes(page);
  startMaps(page);
  startPanel(page);
  startCells(page);
  startRuns(page);
  theme.listeners.push(redraw);
  document.documentElement.dataset.ready = "true";
}

start().catch((problem) => {
  const text = `Tables and charts could not be drawn: ${problem.message}. A current browser is needed.`;
  byId("main").prepend(make("aside", { class: "notes", role: "alert" }, make("p", {}, text)));
  throw problem;
});
