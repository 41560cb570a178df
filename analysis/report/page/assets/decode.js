// What the page carries, inflated: the data for tables and charts, the curves, and Plotly.

const byId = (id) => document.getElementById(id);

async function inflate(id) {
  const text = atob(byId(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // many times as fast as Uint8Array.from
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function inflateText(id) {
  return new TextDecoder().decode(await inflate(id));
}

let plotly = null;

// Plotly runs as an inline script of a known hash; it is inflated when the first chart is near.
function withPlotly() {
  plotly ??= inflateText("page-plotly").then((text) => {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
    return globalThis.Plotly;
  });
  return plotly;
}

// The curves of all runs. Errors are fractions, NaN where nothing was measured.
class Curves {
  constructor(buffer, about) {
    this.view = new DataView(buffer);
    this.about = about;
    this.size = about.kind === "u2" ? 2 : 4;
    this.known = new Map();
    const each = 2 * this.size + (about.epochs ? 4 : 0);
    this.begins = [0];
    for (const length of about.lengths) this.begins.push(this.begins.at(-1) + each * length);
  }

  run(row) {
    if (!this.known.has(row)) {
      const [count, at] = [this.about.lengths[row], this.begins[row]];
      const epoch = new Float64Array(count);
      const [test, train] = [0, 1].map((which) => this.errors(at + which * count * this.size, count));
      for (let i = 0; i < count; i++) {
        epoch[i] = this.about.epochs ? this.view.getUint32(at + 2 * count * this.size + 4 * i, true) : i + 1;
      }
      this.known.set(row, { epoch, test, train });
    }
    return this.known.get(row);
  }

  errors(at, count) {
    const found = new Float64Array(count);
    const steps = this.about.steps;
    for (let i = 0; i < count; i++) {
      if (this.size === 4) found[i] = this.view.getFloat32(at + 4 * i, true);
      else {
        const code = this.view.getUint16(at + 2 * i, true);
        found[i] = code > steps ? NaN : code / steps;
      }
    }
    return found;
  }
}

// Mean over runs and the 95 % interval of the mean, at the epochs of the longest; NaN where a run has no value.
function overSeeds(curves, rows, name, student) {
  const runs = rows.map((row) => curves.run(row));
  const longest = runs.reduce((best, run) => (run.epoch.length > best.length ? run.epoch : best), []);
  const [mean, low, high] = [0, 1, 2].map(() => new Float64Array(longest.length).fill(NaN));
  const n = runs.length;
  for (let i = 0; i < longest.length; i++) {
    let [sum, squares] = [0, 0];
    for (const run of runs) sum += i < run[name].length ? run[name][i] : NaN;
    mean[i] = sum / n;
    for (const run of runs) squares += (run[name][i] - mean[i]) ** 2;
    const half = n > 1 ? student[n] * Math.sqrt(squares / (n - 1) / n) : NaN;
    [low[i], high[i]] = [mean[i] - half, mean[i] + half];
  }
  return { epoch: Array.from(longest), mean, low, high };
}
