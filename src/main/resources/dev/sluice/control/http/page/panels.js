// Everything around the table of services.

import { Graph } from "./graph.js";
import { clock, duration, exact, nanos, percent, short } from "./format.js";
import { element, write } from "./rows.js";

/** The numbers at the top. */
class Tile {
  constructor(title, unit, graph) {
    this.node = element("div", "tile");
    this.value = element("span", "value");
    this.unit = element("span", "quiet", unit);
    this.note = element("span", "note quiet");
    const line = element("p", "figure");
    line.append(this.value, " ", this.unit);
    this.node.append(element("h3", "", title), line, this.note);
    if (graph) {
      this.graph = new Graph(title, (value) => `${short(value)} ${unit}`);
      this.node.append(this.graph.node);
    }
  }

  show(value, note) {
    write(this.value, short(value));
    this.value.title = exact(value);
    write(this.note, note ?? "");
  }
}

/** A table whose rows have names and a number that grows. */
class Counts {
  #body;
  #rows = new Map();

  constructor(id) {
    this.#body = document.querySelector(`#${id} tbody`);
  }

  /** @param entries [key, name, explanation, count, className] of each; @param seconds as everywhere */
  update(entries, seconds) {
    const gone = new Set(this.#rows.keys());
    let last = null;
    for (const [key, name, help, count, className] of entries) {
      gone.delete(key);
      let row = this.#rows.get(key);
      if (!row) {
        const node = element("tr", className);
        const head = element("th", "", name);
        head.scope = "row";
        if (help) {
          head.append(element("span", "quiet help", help));
        }
        row = { node, count: element("td", "num"), rate: element("td", "num"), last: count };
        node.append(head, row.count, row.rate);
        this.#rows.set(key, row);
      }
      write(row.count, count === null ? "" : exact(count));
      if (seconds > 0 && count !== null) {
        const rate = Math.max(0, Math.round((count - row.last) / seconds));
        write(row.rate, short(rate));
        row.rate.classList.toggle("zero", rate === 0);
        row.last = count;
      } else if (!row.rate.firstChild && count !== null) {
        write(row.rate, "0");
        row.rate.classList.add("zero");
      }
      const place = last ? last.nextSibling : this.#body.firstChild;
      if (place !== row.node) {
        this.#body.insertBefore(row.node, place);
      }
      last = row.node;
    }
    for (const key of gone) {
      this.#rows.get(key).node.remove();
      this.#rows.delete(key);
    }
  }
}

export class Panels {
  #tiles = {
    received: new Tile("Received", "packets/s", true),
    forwarded: new Tile("Forwarded", "packets/s", true),
    dropped: new Tile("Dropped", "packets/s", true),
    connections: new Tile("New connections", "per s", false),
    active: new Tile("Active connections", "", false),
    flows: new Tile("Connection tables", "entries", false),
  };
  #drops = new Counts("drops");
  #events = new Counts("events");
  #nics = new Counts("nics");
  #workers = new Map();
  #meter = element("meter");

  constructor() {
    const tiles = document.getElementById("tiles");
    Object.values(this.#tiles).forEach((tile) => tiles.append(tile.node));
    this.#meter.min = 0;
    this.#meter.max = 1;
    this.#meter.high = 0.8;
    this.#meter.setAttribute("aria-label", "share of the connection tables in use");
    this.#tiles.flows.node.append(this.#meter);
  }

  graphs(totals) {
    for (const name of ["received", "forwarded", "dropped"]) {
      this.#tiles[name].graph.set(totals[name]);
    }
  }

  update(state, seconds) {
    this.#director(state.director);
    const { totals } = state;
    for (const name of ["received", "forwarded", "dropped"]) {
      this.#tiles[name].show(totals[name]);
      if (seconds > 0) {
        this.#tiles[name].graph.push(totals[name], seconds);
      }
    }
    this.#tiles.dropped.node.classList.toggle("alarm", totals.dropped > 0);
    this.#tiles.connections.show(
      state.services.reduce((sum, service) => sum + service.rates[0], 0),
      `${exact(state.services.reduce((sum, service) => sum + service.traffic[0], 0))} in all`);
    this.#tiles.active.show(totals.active, `${exact(totals.inactive)} inactive`);
    this.#tiles.flows.show(totals.flows, `of ${short(totals.maxFlows)}, ${short(totals.halfOpen)} half-open`);
    this.#meter.value = totals.maxFlows ? totals.flows / totals.maxFlows : 0;
    this.#counters(state.counters, seconds);
    this.#interfaces(state.interfaces, seconds);
    this.#eachWorker(state.workers, seconds);
  }

  #director(director) {
    write(document.getElementById("facts"),
      `version ${director.version}, up ${duration(director.uptimeMs)}, configuration ${director.generation} of ${director.file}`);
    const banner = document.getElementById("banner");
    if (banner.dataset.about !== "silence") {
      banner.hidden = director.loadSucceeded;
      banner.dataset.about = "reload";
      if (!director.loadSucceeded) {
        write(banner, `The last reload, at ${clock(director.loadAttemptAt)}, failed: what runs is ${director.file} as of ${clock(director.loadedAt)}.`
          + " sluice check says what is wrong with the file.");
      }
    }
  }

  #counters(counters, seconds) {
    const entries = (wanted) => counters.filter(wanted).sort((a, b) => b.count - a.count)
      .map((counter) => [counter.name, counter.name, counter.help, counter.count, ""]);
    const drops = entries((counter) => counter.kind === "drop");
    this.#drops.update(drops, seconds);
    document.getElementById("no-drops").hidden = drops.length > 0;
    document.querySelector("#drops thead").hidden = drops.length === 0;
    this.#events.update(entries((counter) => counter.kind === "event" || counter.kind === "made"), seconds);
  }

  #interfaces(interfaces, seconds) {
    const entries = [];
    for (const nic of interfaces) {
      const copy = nic.queues.some((queue) => queue.zeroCopy) ? "zero-copy" : "copy";
      entries.push([nic.name, nic.name, `${nic.mode} XDP, ${copy}${nic.dispatcher ? ", libxdp's dispatcher" : ""}`, null, "group"]);
      for (const [outcome, count] of Object.entries(nic.steering)) {
        if (count > 0) {
          entries.push([`${nic.name} ${outcome}`, outcome, "", count, outcome.startsWith("drop") ? "bad" : ""]);
        }
      }
      const lost = (name) => nic.queues.reduce((sum, queue) => sum + queue.xsk[name], 0);
      for (const name of ["rx_dropped", "rx_ring_full", "rx_fill_ring_empty_descs", "rx_invalid_descs", "tx_invalid_descs"]) {
        if (lost(name) > 0) {
          entries.push([`${nic.name} ${name}`, name, "at the socket", lost(name), "bad"]);
        }
      }
    }
    this.#nics.update(entries, seconds);
  }

  #eachWorker(workers, seconds) {
    const body = document.querySelector("#workers tbody");
    for (const { queue, cpu, counters, batches } of workers) {
      let row = this.#workers.get(queue);
      if (!row) {
        row = { cells: Array.from({ length: 9 }, (_, i) => element("td", i === 0 ? "" : "num")), last: counters, batches, rates: ["", "", "", ""] };
        const head = element("th", "", String(queue));
        head.scope = "row";
        const node = element("tr");
        node.append(head, ...row.cells);
        body.append(node);
        this.#workers.set(queue, row);
      }
      if (seconds > 0) {
        const grown = (name) => counters[name] - row.last[name];
        row.rates = [percent(Math.min(1, grown("busy_ns") / 1e9 / seconds)), short(grown("rx_packets") / seconds),
          short(grown("tx_packets") / seconds),
          batches > row.batches ? (grown("rx_packets") / (batches - row.batches)).toFixed(1) : "0"];
      }
      row.last = counters;
      row.batches = batches;
      [cpu < 0 ? "any" : String(cpu), ...row.rates, short(counters.stalls), nanos(counters.longest_cycle_ns),
        `${short(counters.frames_free)} of ${short(counters.frames_total)}`, short(counters.connections)]
        .forEach((text, i) => write(row.cells[i], text));
    }
  }
}
