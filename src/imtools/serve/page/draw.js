// Pictures of an answer: the wave, a heat map of instruments over seconds, and what the time is where.

export const WAVE = 56;
export const LANE = 24;
const SLOW = 8000; // Hz: enough for a picture of the wave
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200]; // s
const APART = 48; // pixels between times, at least

// The peaks of a file at so many places, or null where the browser cannot decode it.
export async function peaks(file, count) {
  try {
    const context = new OfflineAudioContext(1, 1, SLOW);
    const sound = await context.decodeAudioData(await file.arrayBuffer());
    const samples = sound.getChannelData(0);
    const found = new Float32Array(count);
    for (let i = 0; i < samples.length; i++) {
      const place = Math.min(count - 1, Math.floor((i / samples.length) * count));
      found[place] = Math.max(found[place], Math.abs(samples[i]));
    }
    return found;
  } catch {
    return null;
  }
}

// Time, cut wherever a window begins or ends; the score of a piece is the mean of the windows that cover it.
export function pieces(windows) {
  const ends = windows.starts.map((start, i) => start + windows.durations[i]);
  const places = [...new Set([...windows.starts, ...ends].map((t) => Math.round(t * 1e6) / 1e6))].sort((a, b) => a - b);
  const made = [];
  let first = 0; // windows begin and end one after the other
  for (let i = 0; i + 1 < places.length; i++) {
    const middle = (places[i] + places[i + 1]) / 2;
    const over = [];
    while (first < ends.length && ends[first] <= middle) first++;
    for (let k = first; k < ends.length && windows.starts[k] <= middle; k++) over.push(k);
    if (over.length) made.push({ start: places[i], end: places[i + 1], windows: over });
  }
  return made;
}

function ready(canvas, height) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  return { pen, width };
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function drawWave(canvas, found) {
  const { pen, width } = ready(canvas, WAVE);
  if (!found) return;
  const loudest = Math.max(...found, 1e-9);
  pen.fillStyle = colour("--wave");
  for (let x = 0; x < width; x++) {
    const height = Math.max(1, (found[Math.floor((x / width) * found.length)] / loudest) * (WAVE - 8));
    pen.fillRect(x, (WAVE - height) / 2, 1, height);
  }
}

export function drawHeat(canvas, answer) {
  const rows = answer.instruments;
  const { pen, width } = ready(canvas, rows.length * LANE);
  const perSecond = width / answer.file.seconds;
  const heat = colour("--heat");
  const mark = colour("--mark");
  const line = colour("--line");
  const parts = pieces(answer.windows);
  rows.forEach((row, r) => {
    const scores = answer.windows.scores[row.label];
    pen.fillStyle = line;
    pen.fillRect(0, r * LANE, width, 1);
    for (const part of parts) {
      const score = part.windows.reduce((sum, k) => sum + scores[k], 0) / part.windows.length;
      const x = part.start * perSecond;
      const wide = (part.end - part.start) * perSecond;
      pen.fillStyle = `rgb(${heat} / ${score.toFixed(3)})`;
      pen.fillRect(x, r * LANE + 1, wide, LANE - 1);
      if (score >= row.threshold) {
        pen.fillStyle = mark;
        pen.fillRect(x, (r + 1) * LANE - 3, wide, 3);
      }
    }
  });
}

export const clock = (s) => `${Math.floor(Math.round(s) / 60)}:${String(Math.round(s) % 60).padStart(2, "0")}`;

export function drawAxis(box, seconds) {
  const step = STEPS.find((one) => (one / seconds) * box.clientWidth >= APART) || seconds;
  box.replaceChildren();
  for (let time = 0; time < seconds; time += step) {
    const made = document.createElement("span");
    made.textContent = clock(time);
    made.style.left = `${(time / seconds) * 100}%`;
    made.hidden = ((seconds - time) / seconds) * box.clientWidth < APART / 2; // it would stick out
    box.append(made);
  }
}
