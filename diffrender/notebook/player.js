// A recording drawn in a browser: states, what is predicted for them, and tiles of the way, under a slider. It is given
// what player_data.py makes, and draws that and nothing else.

const TILES = 10, SECONDS = 7, SIDE = 720, TILE_SIDE = 200;
const STYLE = `{{style}}`;

const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const numbers = text => new Float32Array(bytes(text).buffer);
const make = (tag, parent, more = {}) => parent.appendChild(Object.assign(document.createElement(tag), more));

// Points (chains × dims) of one step on a canvas; the view is [low, high] of each coordinate, y upwards.
class Points {
  constructor(data) {
    this.dims = data.event[0];
    this.chains = data.chains;
    [this.low, this.high] = data.box;
    this.yaw = 0.6;
    this.pitch = 0.35;
    this.x = numbers(data.x);
    this.x0 = data.x0 && numbers(data.x0);
    this.target = numbers(data.target);
  }
  // where a point stands on a canvas of so many pixels
  place(points, i, size) {
    const unit = d => 2 * (points[i * this.dims + d] - this.low[d]) / (this.high[d] - this.low[d]) - 1;
    let u = unit(0), v;
    if (this.dims === 1) v = 2 * ((i * 0.618034) % 1) - 1;  // one number: the height tells points apart, and nothing else
    else if (this.dims === 2) v = unit(1);
    else {
      const a = unit(0), b = unit(1), c = unit(2), shrink = 0.72;
      const deep = a * Math.sin(this.yaw) + b * Math.cos(this.yaw);
      u = shrink * (a * Math.cos(this.yaw) - b * Math.sin(this.yaw));
      v = shrink * (c * Math.cos(this.pitch) + deep * Math.sin(this.pitch));
    }
    return [(u + 1) / 2 * size, (1 - v) / 2 * size];
  }
  cloud(pen, points, count, size, color, radius, alpha) {
    pen.fillStyle = color;
    pen.globalAlpha = alpha;
    for (let i = 0; i < count; i++) {
      const [u, v] = this.place(points, i, size);
      pen.beginPath();
      pen.arc(u, v, radius, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
  }
  draw(canvas, which, k, colors, small) {
    const size = small ? TILE_SIDE : SIDE, pen = canvas.getContext("2d"), n = this.chains * this.dims;
    canvas.width = canvas.height = size;
    const radius = (small ? 1.6 : 1) * Math.max(1.6, Math.min(5, 90 / Math.sqrt(this.chains))) * size / SIDE;
    if (!small) this.cloud(pen, this.target, this.target.length / this.dims, size, colors.data, radius, 0.25);
    const color = which === "x" ? colors.samples : colors.data;
    this.cloud(pen, this[which].subarray(k * n, (k + 1) * n), this.chains, size, color, radius, which === "x" ? 0.9 : 0.8);
  }
}

// Images (chains × H × W × C bytes) of one step, one pixel of the canvas each; in a square, or one alone.
class Images {
  constructor(data) {
    [this.channels, this.height, this.width] = data.event;
    this.side = Math.sqrt(data.chains);
    this.chains = data.chains;
    this.x = bytes(data.x);
    this.x0 = data.x0 && bytes(data.x0);
    this.chain = 0;
  }
  draw(canvas, which, k, colors, small) {
    const { channels: c, height: h, width: w } = this, side = small ? 1 : this.side, gap = side > 1 ? 1 : 0;
    canvas.width = side * w + (side - 1) * gap;
    canvas.height = side * h + (side - 1) * gap;
    const pen = canvas.getContext("2d");
    for (let i = 0; i < side * side; i++) {
      const picture = pen.createImageData(w, h), chain = small ? this.chain : i;
      const from = (k * this.chains + chain) * h * w * c;
      for (let p = 0; p < h * w; p++) {
        for (let d = 0; d < 3; d++) picture.data[4 * p + d] = this[which][from + p * c + (c === 3 ? d : 0)];
        picture.data[4 * p + 3] = 255;
      }
      pen.putImageData(picture, (i % side) * (w + gap), Math.floor(i / side) * (h + gap));
    }
  }
}

const shown = value => Math.abs(value) >= 100 || value === 0 ? value.toFixed(0) : value.toPrecision(3);

// Put the player into `el`; `save` gives the page to be saved as HTML. Returns a function that takes it away.
export function mount(el, data, save) {
  const root = make("div", el, { className: `dr ${data.kind}` });
  make("style", root, { textContent: STYLE });
  make("h1", root, { textContent: data.title });
  const drawing = data.kind === "points" ? new Points(data) : new Images(data);
  const panels = make("div", root, { className: "panels" });
  const panel = (which, words) => {
    const figure = make("figure", panels), canvas = make("canvas", figure, { className: which });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", words);
    return { which, canvas, caption: make("figcaption", figure, { textContent: words }) };
  };
  const views = [panel("x", "states xₜ")];
  if (data.x0) views.push(panel("x0", "predicted data x̂₀"));
  const controls = make("div", root, { className: "controls" });
  const play = make("button", controls, { textContent: "Play" });
  const slider = make("input", controls, { type: "range", min: 0, max: data.steps.length - 1, value: 0 });
  slider.setAttribute("aria-label", "step");
  if (save) make("button", controls, { className: "save", textContent: "Save", title: "Save as one HTML file", onclick: download });
  const readout = make("output", root);
  const tiles = make("div", root, { className: "tiles" });
  const footer = make("footer", root, { textContent: data.facts.join("  ·  ") });
  if (data.incomplete) make("div", footer, { className: "warn", textContent: `Incomplete: the run was cut off (${data.incomplete}).` });

  const count = Math.min(TILES, data.steps.length);
  const strip = Array.from({ length: count }, (_, i) => {
    const k = count === 1 ? 0 : Math.round(i * (data.steps.length - 1) / (count - 1));
    const tile = make("button", tiles, { className: "tile", onclick: () => { stop(); show(k); } });
    const canvases = views.map(() => make("canvas", tile));
    const sigma = data.levels.sigma;
    make("span", tile, { textContent: sigma ? `σ ${shown(sigma[k])}` : `step ${data.steps[k]}` });
    return { k, tile, canvases };
  });

  let now = 0, timer = 0;
  const colors = () => {
    const style = getComputedStyle(root);
    return { data: style.getPropertyValue("--data").trim(), samples: style.getPropertyValue("--samples").trim() };
  };
  function show(k) {
    now = k;
    slider.value = k;
    const ink = colors(), step = data.steps[k];
    for (const { which, canvas } of views) drawing.draw(canvas, which, k, ink, false);
    if (views[1]) views[1].caption.textContent = "predicted data x̂₀" + (step === data.last ? ", one step before" : "");
    const { sigma, alpha, nfe } = data.levels;
    readout.textContent = [
      `step ${step} of ${data.last}`, sigma && `σₜ = ${shown(sigma[k])}`, alpha && `αₜ = ${shown(alpha[k])}`,
      nfe && `${nfe[k]} evaluations`,
    ].filter(Boolean).join("  ·  ");
    const near = strip.reduce((a, b) => Math.abs(b.k - k) < Math.abs(a.k - k) ? b : a);
    for (const each of strip) each.tile.setAttribute("aria-current", each === near);
    root.dataset.step = step;
  }
  function drawTiles() {
    const ink = colors();
    for (const { k, canvases } of strip) canvases.forEach((canvas, i) => drawing.draw(canvas, views[i].which, k, ink, true));
  }
  function stop() {
    cancelAnimationFrame(timer);
    timer = 0;
    play.textContent = "Play";
  }
  play.onclick = () => {
    if (timer) return stop();
    play.textContent = "Pause";
    const from = now >= data.steps.length - 1 ? 0 : now, begun = performance.now();
    const speed = Math.max(data.steps.length - 1, 1) / SECONDS / 1000;
    const tick = time => {
      const k = Math.min(from + Math.floor((time - begun) * speed), data.steps.length - 1);
      if (k !== now && k >= 0) show(k);
      if (k >= data.steps.length - 1) return stop();
      timer = requestAnimationFrame(tick);
    };
    timer = requestAnimationFrame(tick);
  };
  slider.oninput = () => { stop(); show(Number(slider.value)); };
  if (data.kind === "images") views.forEach(({ canvas }) => canvas.onclick = event => {
    const box = canvas.getBoundingClientRect(), cell = (at, size) => Math.min(Math.floor(at / size * drawing.side), drawing.side - 1);
    drawing.chain = cell(event.clientY - box.top, box.height) * drawing.side + cell(event.clientX - box.left, box.width);
    drawTiles();
  });
  if (data.kind === "points" && drawing.dims === 3) views.forEach(({ canvas }) => {
    canvas.style.touchAction = "none";
    canvas.title = "Drag to turn";
    canvas.onpointermove = event => {
      if (!event.buttons) return;
      drawing.yaw += event.movementX / 120;
      drawing.pitch = Math.max(-1.5, Math.min(1.5, drawing.pitch + event.movementY / 120));
      show(now);
    };
    canvas.onpointerup = drawTiles;
  });
  function download() {
    const link = make("a", root, { download: `${data.title}.html`, href: URL.createObjectURL(new Blob([save()], { type: "text/html" })) });
    link.click();
    link.remove();
  }
  const scheme = matchMedia("(prefers-color-scheme: dark)"), again = () => { drawTiles(); show(now); };
  scheme.addEventListener("change", again);
  again();
  return () => { stop(); scheme.removeEventListener("change", again); root.remove(); };
}

// of a widget: `data`, and `page`, the HTML around them, in which a mark stands for the data (in two parts here, for this
// text is in the page too)
const MARK = "{{" + "data}}";
function render({ model, el }) {
  const page = () => model.get("page").replace(MARK, () => JSON.stringify(model.get("data")).replaceAll("<", "\\u003c"));
  return mount(el, model.get("data"), page);
}
export default { render };
