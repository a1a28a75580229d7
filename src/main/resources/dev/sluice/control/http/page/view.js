// The table of services: which of them are shown, in which order, and which are open.

import { exact } from "./format.js";
import { ServiceRows, rank, stateOf, word } from "./rows.js";

/** With more than so many they are collapsed at first. */
const OPEN_AT_FIRST = 12;
const DETAILS_EVERY_MS = 5000;

const ORDERS = {
  file: null,
  name: (a, b) => a.key.localeCompare(b.key, "en", { numeric: true }),
  problems: (a, b) => rank(a.health) - rank(b.health),
  connections: (a, b) => b.service.rates[0] - a.service.rates[0],
  packets: (a, b) => b.service.rates[1] + b.service.rates[2] - a.service.rates[1] - a.service.rates[2],
};

export class View {
  #table = document.getElementById("services");
  #filter = document.getElementById("filter");
  #show = document.getElementById("show");
  #sort = document.getElementById("sort");
  #fold = document.getElementById("fold");
  #count = document.getElementById("count");
  #empty = document.getElementById("empty");
  #news = document.getElementById("news");
  #services = new Map();
  #states = new Map();
  #asked = new Map();
  #allOpen = true;
  #ask;
  #onAction;

  /** @param ask fetches a service's details; @param onAction is told of buttons */
  constructor(ask, onAction) {
    this.#ask = ask;
    this.#onAction = onAction;
    for (const control of [this.#filter, this.#show, this.#sort]) {
      control.addEventListener("input", () => this.#arrange());
    }
    this.#fold.addEventListener("click", () => this.#foldAll(!this.#allOpen));
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest?.("input, select, dialog");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        this.#filter.focus();
      } else if (event.key === "Escape" && event.target === this.#filter) {
        this.#filter.value = "";
        this.#arrange();
      }
    });
  }

  /** @param seconds since the state before; 0 when that is not known */
  update(services, seconds) {
    const now = Date.now();
    const first = this.#services.size === 0;
    const gone = new Set(this.#services.keys());
    for (const service of services) {
      gone.delete(service.name);
      let rows = this.#services.get(service.name);
      if (!rows) {
        rows = new ServiceRows(service.name, this.#onAction, (which) => this.#toggle(which));
        rows.onDetails = (which) => this.#details(which);
        rows.unfold(first ? services.length <= OPEN_AT_FIRST : this.#allOpen);
        this.#services.set(service.name, rows);
      }
      rows.update(service, now, seconds);
      this.#refresh(rows, now);
    }
    for (const name of gone) {
      this.#services.get(name).end();
      this.#services.delete(name);
    }
    if (first) {
      this.#sayAllOpen(services.length <= OPEN_AT_FIRST);
    }
    this.#order = services.map((service) => service.name);
    this.#tell(services);
    this.#arrange();
  }

  #order = [];

  /** Takes in the graphs that the director remembers. */
  graphs(history) {
    for (const [name, rows] of this.#services) {
      rows.graph.set(history[name]?.packets ?? []);
      rows.real.forEach((row) => row.graph.set([]));
      rows.fresh = true;
    }
  }

  #toggle(rows) {
    rows.unfold(!rows.open);
    rows.update(rows.service, Date.now(), 0);
    this.#refresh(rows, Date.now());
    this.#arrange();
  }

  #foldAll(open) {
    this.#sayAllOpen(open);
    const now = Date.now();
    this.#services.forEach((rows) => {
      if (rows.open !== open) {
        rows.unfold(open);
        rows.update(rows.service, now, 0);
        this.#refresh(rows, now);
      }
    });
    this.#arrange();
  }

  #sayAllOpen(open) {
    this.#allOpen = open;
    this.#fold.textContent = open ? "Collapse all" : "Expand all";
  }

  /** Asks for what belongs to rows that are new, and again and again for what somebody reads. */
  #refresh(rows, now) {
    if (!rows.open || !rows.isVisible) {
      return;
    }
    const read = [...rows.real.values()].some((row) => row.isOpen);
    if ((rows.fresh || (read && now - (this.#asked.get(rows.key) ?? 0) > DETAILS_EVERY_MS))) {
      this.#details(rows);
    }
  }

  async #details(rows) {
    rows.fresh = false;
    this.#asked.set(rows.key, Date.now());
    try {
      rows.tell(await this.#ask(rows.key));
    } catch {
      // The next state comes, or the page says that it does not.
      rows.fresh = true;
    }
  }

  /** Says aloud what went up or down. */
  #tell(services) {
    const news = [];
    const states = new Map();
    for (const service of services) {
      for (const real of service.real) {
        const key = `${real.name} of ${service.name}`;
        const state = stateOf(real);
        const before = this.#states.get(key);
        states.set(key, state);
        if (before && before !== state && (state === "down" || before === "down")) {
          news.push(`${key}: ${word(state)}`);
        }
      }
    }
    this.#states = states;
    if (news.length > 0) {
      this.#news.textContent = news.length > 5 ? `${news.length} real servers have changed their state` : news.join("; ");
    }
  }

  #matches(rows, words) {
    const { service } = rows;
    if (this.#show.value === "problems" && rank(rows.health) > 3 && !service.real.some((real) => rank(stateOf(real)) < 4)) {
      return false;
    }
    if (this.#show.value === "busy" && service.rates.every((rate) => rate === 0)) {
      return false;
    }
    if (words.length === 0) {
      return true;
    }
    const text = [service.name, service.scheduler, word(rows.health),
      ...service.real.map((real) => `${real.name} ${real.method} ${word(stateOf(real))}`)].join(" ").toLowerCase();
    return words.every((one) => text.includes(one));
  }

  #arrange() {
    const words = this.#filter.value.toLowerCase().split(/\s+/u).filter(Boolean);
    let all = this.#order.map((name) => this.#services.get(name));
    const order = ORDERS[this.#sort.value];
    if (order) {
      all = all.toSorted(order);
    }
    let shown = 0;
    let last = this.#table.tHead;
    for (const rows of all) {
      const visible = this.#matches(rows, words);
      rows.body.hidden = !visible;
      shown += visible ? 1 : 0;
      if (last.nextSibling !== rows.body) {
        last.after(rows.body);
      }
      last = rows.body;
    }
    const total = all.length;
    this.#count.textContent = shown === total ? exact(total) : `${exact(shown)} of ${exact(total)}`;
    this.#empty.hidden = shown > 0;
    this.#empty.textContent = total === 0 ? "No services are configured." : "Nothing matches.";
  }
}
