// Rows of the table of services: made once, then only what differs is written.

import { Graph, isVisible } from "./graph.js";
import { age, bits, clock, exact, short } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

/** State by shape, word and colour; a smaller number is worse. */
const STATES = {
  down: { word: "Down", tone: "bad", rank: 0, shape: "M2 3h10L7 12z" },
  unreachable: { word: "No next hop", tone: "bad", rank: 1, shape: "M3 3l8 8M11 3l-8 8", stroke: true },
  quorum: { word: "No quorum", tone: "bad", rank: 1, shape: "M2 3h10L7 12z" },
  empty: { word: "No server", tone: "bad", rank: 1, shape: "M3 3l8 8M11 3l-8 8", stroke: true },
  overloaded: { word: "Overloaded", tone: "warn", rank: 2, shape: "M7 2l5 9H2z" },
  some: { word: "Degraded", tone: "warn", rank: 2, shape: "M7 2l5 9H2z" },
  sorry: { word: "Sorry, in use", tone: "warn", rank: 2, shape: "M7 1.5L12.5 7 7 12.5 1.5 7z" },
  draining: { word: "Draining", tone: "info", rank: 4, shape: "M7 2a5 5 0 0 1 0 10z M7 2.7a4.3 4.3 0 1 0 0 8.6", stroke: true },
  drained: { word: "Drained", tone: "info", rank: 4, shape: "M7 2.7a4.3 4.3 0 1 1 0 8.6a4.3 4.3 0 1 1 0-8.6", stroke: true },
  slow: { word: "Slow start", tone: "info", rank: 5, shape: "M7 2a5 5 0 0 1 5 5H7z M7 2.7a4.3 4.3 0 1 0 4.3 4.3", stroke: true },
  standby: { word: "Standby", tone: "none", rank: 8, shape: "M7 1.5L12.5 7 7 12.5 1.5 7z", stroke: true },
  unchecked: { word: "No checks", tone: "none", rank: 7, shape: "M7 4a3 3 0 1 1 0 6a3 3 0 1 1 0-6" },
  open: { word: "Serving", tone: "good", rank: 9, shape: "M7 4a3 3 0 1 1 0 6a3 3 0 1 1 0-6" },
  up: { word: "Up", tone: "good", rank: 9, shape: "M7 2a5 5 0 1 1 0 10a5 5 0 1 1 0-10" },
};

export function rank(state) {
  return STATES[state].rank;
}

export function word(state) {
  return STATES[state].word;
}

/** What is to be said first of a real server. */
export function stateOf(real) {
  if (real.state === "sorry") {
    return real.inService ? "sorry" : "standby";
  }
  if (real.state === "down") {
    return "down";
  }
  if (real.weight === 0) {
    return real.active + real.inactive > 0 ? "draining" : "drained";
  }
  if (real.unreachable) {
    return "unreachable";
  }
  if (real.overloaded) {
    return "overloaded";
  }
  if (real.effective < real.weight) {
    return "slow";
  }
  return real.state === "up" ? "up" : "unchecked";
}

/** What is to be said first of a service. */
export function stateOfService(service) {
  const states = service.real.filter((real) => real.state !== "sorry").map(stateOf);
  if (service.quorum && !service.quorum.reached) {
    return "quorum";
  }
  const serving = states.filter((state) => ["up", "unchecked", "slow"].includes(state));
  if (serving.length === 0) {
    return service.real.some((real) => stateOf(real) === "sorry") ? "sorry" : "empty";
  }
  if (states.some((state) => rank(state) < 4)) {
    return "some";
  }
  return states.every((state) => state !== "up") ? "open" : "up";
}

export function element(name, className, text) {
  const node = document.createElement(name);
  if (className) {
    node.className = className;
  }
  if (text !== undefined) {
    node.textContent = text;
  }
  return node;
}

/** Writes a text if it is another. */
export function write(node, text) {
  if (node.firstChild?.nodeValue !== text) {
    node.textContent = text;
  }
}

export class Badge {
  #path;
  #word = element("span");
  #state = "";

  constructor() {
    this.node = element("span", "badge");
    const icon = document.createElementNS(SVG, "svg");
    icon.setAttribute("viewBox", "0 0 14 14");
    icon.setAttribute("aria-hidden", "true");
    this.#path = document.createElementNS(SVG, "path");
    icon.append(this.#path);
    this.node.append(icon, this.#word);
  }

  show(state, text) {
    if (state !== this.#state) {
      const { shape, tone, stroke } = STATES[state];
      this.#path.setAttribute("d", shape);
      this.#path.setAttribute("class", stroke ? "hollow" : "full");
      this.node.dataset.tone = tone;
      this.#state = state;
    }
    write(this.#word, text);
  }
}

/** Cells that services and real servers have alike. */
class Row {
  constructor(className, what) {
    this.node = element("tr", className);
    this.node.setAttribute("role", "row");
    this.name = element("th", "name");
    this.name.scope = "row";
    this.name.setAttribute("role", "rowheader");
    this.badge = new Badge();
    this.state = this.cell("state", "");
    this.state.append(this.badge.node);
    this.numbers = [["Weight", ""], ["Conn/s", ""], ["In pkt/s", ""], ["Out pkt/s", ""], ["In bit/s", ""],
      ["Out bit/s", "wide"], ["Active", ""], ["Inactive", "wide"], ["Total", "wide"]]
      .map(([label, kind]) => this.cell(`num ${kind}`, label));
    this.graph = new Graph(what, (value) => `${short(value)} packets a second`);
    const drawn = this.cell("graph-cell", "");
    drawn.append(this.graph.node);
    this.actions = this.cell("act", "");
    this.node.append(this.name, this.state, ...this.numbers, drawn, this.actions);
  }

  cell(className, label) {
    const cell = element("td", className.trim());
    cell.setAttribute("role", "cell");
    if (label) {
      cell.dataset.label = label;
    }
    return cell;
  }

  figures(weight, of, active, inactive) {
    const [connections, inPackets, outPackets, inBytes, outBytes] = of.rates;
    const texts = [weight, short(connections), short(inPackets), short(outPackets), bits(inBytes), bits(outBytes),
      short(active), short(inactive), short(of.traffic[0])];
    const exacts = ["", connections, inPackets, outPackets, inBytes * 8, outBytes * 8, active, inactive, of.traffic[0]];
    texts.forEach((text, i) => {
      const cell = this.numbers[i];
      if (cell.firstChild?.nodeValue !== text) {
        cell.textContent = text;
        cell.classList.toggle("zero", text === "0");
      }
      if (i > 0 && exacts[i] >= 1000) {
        cell.title = exact(exacts[i]);
      } else if (cell.title) {
        cell.removeAttribute("title");
      }
    });
  }

  end() {
    this.graph.end();
  }
}

/** A real server, and below it, when it is open, what is known of it. */
export class RealRow extends Row {
  constructor(service, name, onAction) {
    super("real", `packets of ${name}`);
    this.key = name;
    this.button = element("button", "open", name);
    this.button.type = "button";
    this.button.setAttribute("aria-expanded", "false");
    this.button.addEventListener("click", () => this.toggle());
    this.method = element("span", "quiet method");
    this.name.append(this.button, this.method);
    this.why = element("tr", "why");
    this.why.setAttribute("role", "row");
    this.reason = this.cell("reason", "");
    this.reason.colSpan = 13;
    this.why.append(this.reason);
    this.drain = this.#action("Drain", () => onAction(this.real.weight === 0 ? "enable" : "drain", service, this.real));
    this.set = this.#action("Weight", () => onAction("weight", service, this.real));
    this.actions.append(this.drain, this.set);
    this.details = element("tr", "details");
    this.details.setAttribute("role", "row");
    this.details.hidden = true;
    this.text = this.cell("", "");
    this.text.colSpan = 13;
    this.details.append(this.text);
    this.onOpen = () => {};
  }

  #action(text, action) {
    const button = element("button", "small", text);
    button.type = "button";
    button.addEventListener("click", action);
    return button;
  }

  get isOpen() {
    return !this.details.hidden;
  }

  toggle() {
    this.details.hidden = this.isOpen;
    this.button.setAttribute("aria-expanded", String(this.isOpen));
    if (this.isOpen) {
      this.onOpen();
    }
  }

  update(real, now) {
    this.real = real;
    const state = stateOf(real);
    const since = ["down", "up"].includes(state) && real.since ? " " + age(now - Date.parse(real.since)) : "";
    this.badge.show(state, word(state) + since);
    this.node.dataset.state = state;
    write(this.method, real.method);
    const reason = state === "down" ? real.reason : real.unreachable && state === "unreachable" ? real.unreachable
      : real.flapping ? "flapping: has to stay healthy longer" : "";
    write(this.reason, reason ?? "");
    this.why.hidden = !reason;
    this.why.dataset.state = state;
    const weight = real.effective === real.weight ? String(real.weight) : `${real.effective} of ${real.weight}`;
    this.figures(weight, real, real.active, real.inactive);
    const sorry = real.state === "sorry";
    this.drain.hidden = sorry;
    this.set.hidden = sorry;
    write(this.drain, real.weight === 0 ? "Enable" : "Drain");
    this.drain.setAttribute("aria-label", `${this.drain.textContent} ${this.key}`);
    this.set.setAttribute("aria-label", `Set the weight of ${this.key}`);
  }

  remove() {
    this.node.remove();
    this.why.remove();
    this.details.remove();
    this.end();
  }

  /** Says what the director knows beyond the table. */
  tell(detail) {
    const list = element("dl");
    const say = (term, ...texts) => {
      list.append(element("dt", "", term));
      texts.forEach((text) => list.append(element("dd", "", text)));
    };
    say("Next hop", detail.nextHop);
    if (this.real.persistent) {
      say("Persistence", `${exact(this.real.persistent)} clients come back to it`);
    }
    if (this.real.upper) {
      say("Upper threshold", `${exact(this.real.upper)} connections`);
    }
    (detail.checks ?? []).forEach((check) => say(
      "Check",
      check.settings,
      `${check.lastResult || "not made yet"}${check.lastAt ? `, ${clock(check.lastAt)}, took ${check.lastDurationMs}\u2009ms` : ""}; `
        + `${exact(check.successes)} successes, ${exact(check.failures)} failures`));
    const changes = (detail.changes ?? []).slice(-5).reverse();
    if (changes.length > 0) {
      say("Changes", ...changes.map((change) => `${clock(change.at)} ${change.up ? "up" : "down"}: ${change.reason}`));
    }
    this.text.replaceChildren(list);
  }
}

/** A service: a group of rows, the first of which sums it up. */
export class ServiceRows extends Row {
  constructor(name, onAction, onToggle) {
    super("service", `packets of ${name}`);
    this.key = name;
    this.onAction = onAction;
    this.body = element("tbody");
    this.body.setAttribute("role", "rowgroup");
    this.body.append(this.node);
    this.button = element("button", "open", name);
    this.button.type = "button";
    this.button.addEventListener("click", () => onToggle(this));
    this.settings = element("span", "quiet method");
    this.name.append(this.button, this.settings);
    this.real = new Map();
    this.open = false;
    this.unfold(true);
  }

  unfold(open) {
    this.open = open;
    this.button.setAttribute("aria-expanded", String(open));
    if (!open) {
      this.real.forEach((row) => {
        row.remove();
      });
      this.real.clear();
    }
  }

  update(service, now, seconds) {
    this.service = service;
    this.health = stateOfService(service);
    const counted = service.real.filter((real) => real.state !== "sorry");
    const serving = counted.filter((real) => rank(stateOf(real)) >= 5).length;
    this.badge.show(this.health, `${word(this.health)} ${serving}/${counted.length}`);
    this.badge.node.title = `${serving} of ${counted.length} real servers take new connections`
      + (service.quorum ? `; quorum ${service.quorum.needed}, healthy weight ${service.quorum.weight}` : "");
    write(this.settings, [service.scheduler, service.flags, service.persistence && `persistent ${service.persistence}\u2009s`,
      service.onePacket && "one-packet", service.synProxy && "SYN proxy"].filter(Boolean).join(", "));
    const sum = (field) => service.real.reduce((total, real) => total + real[field], 0);
    this.figures(short(sum("effective")), service, sum("active"), sum("inactive"));
    if (seconds > 0) {
      this.graph.push(service.rates[1] + service.rates[2], seconds);
    }
    if (this.open) {
      this.#rows(now, seconds);
    }
  }

  #rows(now, seconds) {
    const gone = new Set(this.real.keys());
    let before = this.node;
    for (const real of this.service.real) {
      gone.delete(real.name);
      let row = this.real.get(real.name);
      if (!row) {
        row = new RealRow(this.key, real.name, this.onAction);
        row.onOpen = () => this.onDetails(this);
        this.real.set(real.name, row);
        this.fresh = true;
      }
      // Of thousands only those that can be seen are written to.
      if (!row.real || isVisible(row.graph)) {
        row.update(real, now);
      } else {
        row.real = real;
      }
      if (seconds > 0 && row.graph.length > 0) {
        row.graph.push(real.rates[1] + real.rates[2], seconds);
      }
      if (before.nextSibling !== row.node) {
        before.after(row.node, row.why, row.details);
      }
      before = row.details;
    }
    for (const name of gone) {
      const row = this.real.get(name);
      row.remove();
      this.real.delete(name);
    }
  }

  get isVisible() {
    return isVisible(this.graph) || [...this.real.values()].some((row) => isVisible(row.graph));
  }

  /** Takes in what was asked for of this service alone. */
  tell(detail) {
    this.fresh = false;
    for (const [name, row] of this.real) {
      const known = detail.real[name];
      if (known) {
        if (row.graph.length === 0) {
          row.graph.set(known.packets ?? []);
        }
        row.tell(known);
      }
    }
  }

  end() {
    super.end();
    this.real.forEach((row) => row.end());
    this.body.remove();
  }
}
