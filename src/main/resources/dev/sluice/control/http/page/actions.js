// Changes, each behind a question and a token. The token stays in this script's memory and is forgotten with the page.

const dialog = document.getElementById("ask");
const part = (name) => document.getElementById(`ask-${name}`);

let token = "";
let wanted = null;

const TEXTS = {
  drain: (service, real) => ({
    title: `Drain ${real.name}`,
    text: `It gets weight 0: no new connections of ${service}. Its ${real.active} active and ${real.inactive} inactive ones stay`
      + " until they end.",
    button: "Drain",
  }),
  enable: (service, real) => ({
    title: `Enable ${real.name}`,
    text: `It gets the weight that the configuration file gives it in ${service}, or 1.`,
    button: "Enable",
  }),
  weight: (service, real) => ({
    title: `Weight of ${real.name}`,
    text: `Its share of the new connections of ${service}; ${real.weight} now.`,
    button: "Set weight",
  }),
};

/** Asks what is to be done to a real server, and has it done. */
export function ask(action, service, real) {
  const { title, text, button } = TEXTS[action](service, real);
  wanted = { action, service, real };
  part("title").textContent = title;
  part("text").textContent = text;
  part("do").textContent = button;
  part("weight-label").hidden = action !== "weight";
  part("weight").disabled = action !== "weight";
  part("weight").value = real.weight;
  open();
}

/** Asks for the token alone. */
export function unlock() {
  wanted = null;
  part("title").textContent = "Unlock actions";
  part("text").textContent = "The token is in the file that director.http.token_file names. This page keeps it until it is closed or loaded again.";
  part("do").textContent = "Unlock";
  part("weight-label").hidden = true;
  part("weight").disabled = true;
  open();
}

function askForToken() {
  part("token-label").hidden = token !== "";
  part("token").required = token === "";
}

function open() {
  askForToken();
  part("error").hidden = true;
  part("do").disabled = false;
  dialog.showModal();
}

function fail(message) {
  part("error").textContent = message;
  part("error").hidden = false;
  part("do").disabled = false;
}

/** @param onChange is called after a change; @param onToken with whether there is a token */
export function listen(onChange, onToken) {
  part("cancel").addEventListener("click", () => dialog.close());
  part("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (token === "") {
      token = part("token").value.trim();
    }
    part("token").value = "";
    part("do").disabled = true;
    try {
      const answer = await post();
      const body = await answer.json();
      if (answer.status === 401) {
        token = "";
        onToken(false);
        askForToken();
      }
      if (!answer.ok) {
        fail(body.error.message);
        return;
      }
      onToken(true);
      dialog.close();
      if (wanted !== null) {
        onChange(body.changes);
      }
    } catch {
      fail("No answer from the director. Whether it was done shows in the table.");
    }
  });
}

/** What is wanted; or nothing, to see whether the token is right. */
function post() {
  const values = { drain: () => 0, enable: () => "configured", weight: () => Number(part("weight").value) };
  const body = wanted === null ? {}
    : { service: wanted.service, real: wanted.real.name, weight: values[wanted.action]() };
  return fetch(wanted === null ? "/api/token" : "/api/weight", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(35_000),
  });
}

/** Forgets the token. */
export function lock() {
  token = "";
}
