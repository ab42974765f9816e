// The page: takes files, sends them one after the other, shows the answers.

import { clock, drawAxis, drawHeat, drawWave, peaks } from "./draw.js";

const $ = (id) => document.getElementById(id);
const PEAKS = 2000;
const LONGEST_WAVE = 1200; // seconds
const STEP = 5; // seconds for a key
const PATIENCE = 20; // times that a busy server is asked again
const waiting = [];
let working = false;
let token = "";
let model = null;

const headers = () => (token ? { Authorization: `Bearer ${token}` } : {});
const size = (bytes) => `${Math.round(bytes / 2 ** 20)} MB`;
const say = (text) => { $("status").textContent = text; };

async function introduce() {
  try {
    const answer = await fetch("/v1/model", { headers: headers() });
    if (answer.status === 401) return askForToken();
    if (!answer.ok) throw new Error(answer.status);
    model = await answer.json();
    $("access").hidden = true;
    $("model").textContent = `The model is ${model.name}.`;
    $("limits").textContent = `up to ${size(model.limits.upload)} and ${Math.round(model.limits.duration / 60)} minutes each`;
    $("card").textContent = model.card;
    $("about").hidden = false;
  } catch {
    say("The server cannot be reached. Is it still running?");
  }
}

function askForToken() {
  $("access").hidden = false;
  $("token").focus();
  say(token ? "That is not the token." : "");
}

$("access").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  introduce().then(next);
});

$("choose").addEventListener("change", () => {
  take($("choose").files);
  $("choose").value = ""; // so that the same file may be chosen again
});
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => { event.preventDefault(); $("drop").classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, () => $("drop").classList.remove("over"));
}
document.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files); });

function take(files) {
  for (const file of files) {
    const result = $("result").content.cloneNode(true).firstElementChild;
    result.querySelector("h2").textContent = file.name;
    result.querySelector(".doing").textContent = "waiting";
    result.querySelector(".again").addEventListener("click", () => { enqueue(file, result); next(); });
    $("results").append(result);
    enqueue(file, result);
  }
  next();
}

function enqueue(file, result) {
  result.querySelector(".error").hidden = true;
  result.querySelector(".working").hidden = false;
  waiting.push({ file, result, tries: 0 });
}

async function next() {
  if (working || !waiting.length) return;
  working = true;
  const one = waiting.shift();
  try {
    await predict(one);
  } catch (error) {
    fail(one.result, "This page has failed.", `Try again, or load it anew. (${error})`);
  } finally {
    working = false;
    next();
  }
}

async function predict(one) {
  const { file, result } = one;
  const doing = (text) => { result.querySelector(".doing").textContent = text; };
  if (model && file.size > model.limits.upload) {
    return fail(result, `${file.name} is larger than ${size(model.limits.upload)}.`, "Compress it, or cut it.");
  }
  say(`Analysing ${file.name}`);
  for (;;) {
    const answer = await send(file, result.querySelector("progress"), doing);
    if (answer.status === 200) return show(one, answer.body);
    if (answer.status === 401) {
      waiting.unshift(one);
      doing("waiting for the token");
      working = true;
      askForToken();
      return new Promise((resolve) => $("access").addEventListener("submit", resolve, { once: true }));
    }
    if (answer.status !== 503 || one.tries++ >= PATIENCE) return fail(result, answer.detail, answer.hint);
    doing(`the server is busy: trying again in ${answer.wait} s`);
    await new Promise((resolve) => setTimeout(resolve, answer.wait * 1000));
  }
}

// Sends a file; with progress, which fetch does not have.
function send(file, progress, doing) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/predict?timeline=true&windows=true&name=${encodeURIComponent(file.name.toWellFormed?.() ?? file.name)}`);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    progress.value = 0;
    doing("sending");
    request.upload.addEventListener("progress", (event) => { progress.value = event.loaded / event.total; });
    request.upload.addEventListener("load", () => { progress.removeAttribute("value"); doing("analysing"); });
    request.addEventListener("load", () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* a proxy's own words */ }
      const wait = Number(request.getResponseHeader("Retry-After")) || 1;
      const detail = body.detail || `The server answers ${request.status}.`;
      resolve({ status: request.status, body, detail, hint: body.hint || "", wait });
    });
    request.addEventListener("error", () => {
      const hint = "Is it still running, and is the file still there?";
      resolve({ status: 0, detail: "The server cannot be reached.", hint });
    });
    request.send(file);
  });
}

function fail(result, detail, hint) {
  result.querySelector(".working").hidden = true;
  result.querySelector(".error strong").textContent = detail;
  result.querySelector(".hint").textContent = hint;
  result.querySelector(".error").hidden = false;
  say("");
}

function show({ file, result }, answer) {
  const present = answer.instruments.filter((one) => one.present);
  const summary = present.length ? present.map((one) => one.name).join(", ") : "none of the instruments that the model knows";
  result.querySelector(".summary").textContent = `${clock(answer.file.seconds)} long. Present: ${summary}.`;
  result.querySelector(".working").hidden = true;
  result.querySelector(".scores").hidden = false;
  say(`${file.name}: ${summary}`);
  fillTable(result.querySelector("tbody"), answer);
  for (const one of answer.instruments) {
    const name = document.createElement("span");
    name.textContent = one.name;
    name.classList.toggle("present", one.present);
    result.querySelector(".names").append(name);
  }
  for (const button of result.querySelectorAll(".save button[data-kind]")) {
    button.addEventListener("click", () => save(answer, button.dataset.kind));
  }
  const audio = result.querySelector("audio");
  audio.src = URL.createObjectURL(file);
  audio.addEventListener("error", () => { audio.hidden = true; result.querySelector(".silent").hidden = false; });
  follow(result.querySelector(".lanes"), audio, answer.file.seconds);
  let found = null;
  const draw = () => {
    drawWave(result.querySelector(".wave"), found);
    drawHeat(result.querySelector(".heat"), answer);
    drawAxis(result.querySelector(".axis"), answer.file.seconds);
  };
  const resized = new ResizeObserver(draw); // which calls it once, too
  resized.observe(result.querySelector(".lanes"));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", draw);
  result.querySelector(".remove").addEventListener("click", () => {
    resized.disconnect();
    dark.removeEventListener("change", draw);
    audio.pause();
    URL.revokeObjectURL(audio.src);
    result.remove();
    $("choose").focus();
  });
  // Decoded as a whole: of a long recording that is more than a browser should hold.
  if (answer.file.seconds <= LONGEST_WAVE) peaks(file, PEAKS).then((made) => { found = made; draw(); });
}

function fillTable(body, answer) {
  for (const one of answer.instruments) {
    const row = body.insertRow();
    row.classList.toggle("present", one.present);
    for (const text of [one.name, one.score.toFixed(3), one.threshold.toFixed(2), one.present ? "yes" : "no"]) {
      row.insertCell().textContent = text;
    }
  }
}

// The line in the picture and the player go together.
function follow(lanes, audio, seconds) {
  const head = lanes.querySelector(".head");
  const place = () => {
    const now = Math.min(audio.currentTime, seconds);
    head.style.left = `${(now / seconds) * 100}%`;
    lanes.setAttribute("aria-valuenow", now.toFixed(1));
    lanes.setAttribute("aria-valuetext", `${clock(now)} of ${clock(seconds)}`);
  };
  const go = (to) => { audio.currentTime = Math.max(0, Math.min(seconds, to)); place(); };
  const tick = () => { place(); if (!audio.paused) requestAnimationFrame(tick); };
  lanes.setAttribute("aria-valuemax", seconds.toFixed(1));
  audio.addEventListener("play", tick);
  audio.addEventListener("seeked", place);
  audio.addEventListener("timeupdate", place);
  lanes.addEventListener("click", (event) => {
    const box = lanes.getBoundingClientRect();
    go(((event.clientX - box.left) / box.width) * seconds);
  });
  lanes.addEventListener("keydown", (event) => {
    const to = {
      ArrowLeft: audio.currentTime - STEP, ArrowRight: audio.currentTime + STEP, Home: 0, End: seconds,
    }[event.key];
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (audio.paused) audio.play(); else audio.pause();
    } else if (to !== undefined) {
      event.preventDefault();
      go(to);
    }
  });
  place();
}

function save(answer, kind) {
  const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const lines = answer.instruments.map((one) => [
    quoted(answer.file.name), one.label, quoted(one.name), one.score, one.threshold, one.present,
  ].join(","));
  const text = kind === "json" ? JSON.stringify(answer, null, 1)
    : ["file,label,name,score,threshold,present", ...lines].join("\r\n") + "\r\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: kind === "json" ? "application/json" : "text/csv" }));
  link.download = `${answer.file.name}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

introduce();
