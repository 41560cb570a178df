// A table that is sorted by its heads and filtered by words and choices. Columns come with their values.

const PAGE_ROWS = 100;
const MOST_CHOICES = 40;

class Table {
  // lead(row): the first cell's content; extra: { title, cell(row) } columns before the others.
  constructor(place, columns, caption, { lead, extra = [] }) {
    Object.assign(this, { place, columns, caption, lead, extra, order: null, limit: PAGE_ROWS, words: [], chosen: new Map() });
    this.count = columns[0].values.length;
    this.rows = [...Array(this.count).keys()];
    this.texts = this.rows.map((row) => columns.map((column) => this.text(column, row)).join("\n").toLowerCase());
    this.build();
  }

  text(column, row) {
    return column.texts ? column.texts[row] : show(column.values[row], column.kind);
  }

  build() {
    const search = make("input", {
      type: "search", placeholder: "Filter by words", "aria-label": `Filter: ${this.caption}`,
      input: (event) => {
        this.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
        this.update();
      },
    });
    this.told = make("output", { class: "quiet" });
    this.body = make("tbody");
    this.head = make("tr");
    this.more = make("button", { type: "button", class: "more", click: () => this.showMore() });
    const table = make("table", {}, make("caption", {}, this.caption), make("thead", {}, this.head), this.body);
    this.place.replaceChildren(
      make("div", { class: "controls" }, search, ...this.pickers(), this.told),
      make("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": this.caption }, table),
      this.more,
    );
    for (const { title } of this.extra) this.head.append(make("th", { scope: "col" }, title));
    this.columns.forEach((column) => this.head.append(this.header(column)));
    this.update();
  }

  header(column) {
    const button = make("button", { type: "button", click: () => this.sort(column) }, column.title);
    const kind = ["whole", "share", "number"].includes(column.kind) ? "number" : null;
    column.header = make("th", { scope: "col", class: kind, "aria-sort": "none" }, button);
    return column.header;
  }

  pickers() {
    return this.columns.filter((column) => column.choices).flatMap((column) => {
      const shown = new Set(this.rows.map((row) => this.text(column, row)));
      if (shown.size < 2 || shown.size > MOST_CHOICES) return [];
      const by = new Intl.Collator("en", { numeric: true });
      const options = [["", "all"], ...[...shown].sort(by.compare).map((text) => [text, text])];
      return [
        picker(column.title, options, (text) => {
          if (text) this.chosen.set(column, text);
          else this.chosen.delete(column);
          this.update();
        }),
      ];
    });
  }

  sort(column) {
    const down = this.order?.column === column && !this.order.down;
    this.order?.column.header.setAttribute("aria-sort", "none");
    this.order = { column, down };
    column.header.setAttribute("aria-sort", down ? "descending" : "ascending");
    this.update();
  }

  // Missing values stand last, whichever way the table is sorted.
  sorted(rows) {
    if (!this.order) return rows;
    const { column, down } = this.order;
    const by = new Intl.Collator("en", { numeric: true });
    const sign = down ? -1 : 1;
    return rows.sort((a, b) => {
      const [x, y] = [column.values[a], column.values[b]];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (typeof x === "number" && typeof y === "number" ? x - y : by.compare(x, y));
    });
  }

  update() {
    const chosen = [...this.chosen];
    const fits = (row) =>
      this.words.every((word) => this.texts[row].includes(word)) &&
      chosen.every(([column, text]) => this.text(column, row) === text);
    this.found = this.sorted(this.rows.filter(fits));
    this.limit = PAGE_ROWS;
    this.body.replaceChildren();
    this.showMore(0);
    this.told.textContent = `${this.found.length.toLocaleString("en")} of ${this.count.toLocaleString("en")}`;
  }

  showMore(more = PAGE_ROWS) {
    const from = this.body.children.length;
    this.limit = Math.max(this.limit, from + more);
    this.body.append(...this.found.slice(from, this.limit).map((row) => this.row(row)));
    const left = this.found.length - this.body.children.length;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show ${Math.min(left, PAGE_ROWS)} more of ${left.toLocaleString("en")}`;
  }

  row(row) {
    const cells = this.columns.map((column, at) => {
      const number = ["whole", "share", "number"].includes(column.kind) ? "number" : null;
      if (at === 0) return make("th", { scope: "row" }, this.lead(row, this.text(column, row)));
      if (column.kind === "link") return make("td", { class: "links" }, ...links(column, row));
      return make("td", { class: number ?? column.kind }, this.text(column, row));
    });
    const before = this.extra.map(({ cell }) => make("td", {}, cell(row)));
    return make("tr", { "data-row": row }, ...before, ...cells);
  }
}

function links(column, row) {
  const found = Object.entries(column.links[row] ?? {}).map(([name, href]) => make("a", { href }, name));
  return [make("code", {}, column.values[row]), ...found];
}
