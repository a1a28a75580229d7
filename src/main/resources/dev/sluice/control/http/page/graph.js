// Small graphs: the last minutes of a rate. Only those that can be seen are drawn.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 24;
export const WINDOW = 180;

const visible = new WeakSet();
const byNode = new WeakMap();
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      visible.add(entry.target);
      byNode.get(entry.target)?.draw();
    } else {
      visible.delete(entry.target);
    }
  }
}, { rootMargin: "300px" });

/** Whether a graph can be seen, or nearly. */
export function isVisible(graph) {
  return visible.has(graph.node);
}

export class Graph {
  #values = [];
  #line;
  #area;
  #title;
  #what;
  #drawn = "";

  /** @param what what is drawn, in words; @param text makes a number into words */
  constructor(what, text) {
    this.#what = what;
    this.text = text;
    this.node = document.createElementNS(SVG, "svg");
    this.node.setAttribute("class", "graph");
    this.node.setAttribute("viewBox", `0 0 ${WINDOW} ${HEIGHT}`);
    this.node.setAttribute("preserveAspectRatio", "none");
    this.node.setAttribute("role", "img");
    this.#title = document.createElementNS(SVG, "title");
    this.#area = document.createElementNS(SVG, "path");
    this.#area.setAttribute("class", "area");
    this.#line = document.createElementNS(SVG, "path");
    this.#line.setAttribute("class", "line");
    this.node.append(this.#title, this.#area, this.#line);
    byNode.set(this.node, this);
    observer.observe(this.node);
  }

  get length() {
    return this.#values.length;
  }

  /** Begins anew with what the director remembers, oldest first; null where it does not know. */
  set(values) {
    this.#values = values.slice(-WINDOW);
    this.draw();
  }

  /** One second more, or some of which nothing is known but the last. */
  push(value, seconds) {
    for (let i = 0; i < Math.min(seconds, WINDOW); i++) {
      this.#values.push(value);
    }
    this.#values.splice(0, Math.max(0, this.#values.length - WINDOW));
    if (visible.has(this.node)) {
      this.draw();
    }
  }

  draw() {
    let max = 0;
    for (const value of this.#values) {
      max = Math.max(max, value ?? 0);
    }
    const scale = (HEIGHT - 3) / (max || 1);
    let x = WINDOW - this.#values.length;
    let line = "";
    let area = "";
    let start = -1;
    const end = () => {
      if (start >= 0) {
        area += `V${HEIGHT}H${start}Z`;
        start = -1;
      }
    };
    for (const value of this.#values) {
      x++;
      if (value === null) {
        end();
        continue;
      }
      const point = `${x} ${(HEIGHT - 1.5 - value * scale).toFixed(1)}`;
      line += (start < 0 ? "M" : "L") + point;
      area += start < 0 ? `M${x} ${HEIGHT}L${point}` : `L${point}`;
      if (start < 0) {
        start = x;
      }
      if (x === WINDOW) {
        area += `L${point}`;
      }
    }
    end();
    if (line !== this.#drawn) {
      this.#line.setAttribute("d", line);
      this.#area.setAttribute("d", area);
      this.#drawn = line;
      this.#title.textContent = `${this.#what}: at most ${this.text(max)} in the last 3 minutes`;
    }
  }

  /** Is not needed any more. */
  end() {
    observer.unobserve(this.node);
  }
}
