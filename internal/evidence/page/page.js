// The page. It shows what the bundle holds, and only as text: what came out of a log is never made markup.
document.addEventListener("DOMContentLoaded", () => {
  const part = (id) => document.getElementById(id);
  const whole = "<!DOCTYPE html>" + document.documentElement.outerHTML; // before anything is added
  const el = (name, attributes, ...children) => {
    const svg = ["svg", "line", "text", "circle", "path", "title"].includes(name);
    const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [k, v] of Object.entries(attributes || {})) if (k === "on") e.addEventListener(v[0], v[1]); else e.setAttribute(k, v);
    e.append(...children.filter((c) => c !== null));
    return e;
  };
  // Characters that are invisible or reorder text are shown as escapes.
  const clean = (s) => String(s).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u115f\u1160\u2028\u2029\u3164\uffa0]|\p{Cf}|\p{Co}/gu, (c) => "\\u" + c.codePointAt(0).toString(16).padStart(4, "0"));
  const when = (s) => s ? s.replace("T", " ").replace(/\.\d+/, "") : "";
  const short = (s, n) => s.length > n ? s.slice(0, n - 1) + "\u2026" : s;
  const state = el("p", { class: "state open", role: "status", id: "state" });
  const problems = el("ul", { class: "problems" });
  const key = el("input", { type: "text", placeholder: "the ledger's first public key, from your own copy", "aria-label": "public key", spellcheck: "false" });
  const file = el("input", { type: "file", "aria-label": "public key file" });
  const form = el("form", {}, key, file, el("button", { type: "submit" }, "Verify"));
  const main = el("main", {});
  document.body.append(el("header", {}, form, state, problems), main);
  const say = (kind, text, list) => {
    state.className = "state " + kind;
    state.textContent = clean(text);
    problems.replaceChildren(...(list || []).slice(0, 20).map((p) => el("li", {}, clean(p))));
    document.body.classList.toggle("refused", kind === "bad");
  };

  const refuse = (why, list) => say("bad", "REFUSED: " + why, list);
  let bundle, packed;
  try {
    const meta = document.querySelector('meta[name="page-sha256"]').content;
    const bare = whole.replace('name="page-sha256" content="' + meta + '"', 'name="page-sha256" content="' + "0".repeat(64) + '"');
    if (evidence.hex(evidence.sha256(evidence.utf8(bare))) !== meta) throw new Error("the page is not as it was written: something in it was changed");
    bundle = JSON.parse(part("bundle").textContent);
    packed = JSON.parse(part("blobs").textContent);
  } catch (e) { form.remove(); return refuse(e.message); }
  const bytes = new Map();
  const blob = (sum) => {
    if (!Object.hasOwn(packed, sum)) return null;
    if (!bytes.has(sum)) bytes.set(sum, evidence.unbase64(packed[sum]));
    return bytes.get(sum);
  };
  const textOf = (sum) => new TextDecoder().decode(blob(sum) || new Uint8Array());
  const note = JSON.parse(bundle.export), manifests = bundle.captures.map((c) => JSON.parse(c.manifest));
  const items = manifests.flatMap((m) => m.items.map((item) => ({ ...item, capture: m.capture })));

  const verify = () => {
    let r;
    try { r = evidence.verify(bundle, blob, key.value); } catch (e) { return refuse("it cannot be read: " + e.message); }
    if (r.problems.length) return refuse("this is not what was sealed, or not by this key.", r.problems);
    say("good", "VERIFIED with key " + key.value.trim().split("+").slice(0, 2).join("+") + ": " + r.items + " items in " + r.captures + " captures are as they were sealed; " +
      r.proven + " of " + r.events + " events are proven by the ledger to be as they were received; " + r.custody + " lines of custody.");
  };
  form.addEventListener("submit", (e) => { e.preventDefault(); verify(); });
  file.addEventListener("change", async () => { key.value = (await file.files[0].text()).trim(); verify(); });

  const section = (title, ...children) => main.append(el("h2", {}, title), ...children);
  const facts = (pairs) => el("dl", {}, ...pairs.filter((p) => p[1]).map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, clean(v)))));
  main.append(el("h1", {}, clean(note.title)), facts([
    ["Set", note.set], ["Incident", note.incident], ["Accounts", [...new Set(manifests.flatMap((m) => m.accounts))].filter(Boolean).join(", ")],
    ["Exported", when(note.at) + " by " + note.by.name], ["Why", note.why], ["On legal hold since", when(note.held_at)],
  ]));

  const latest = items.filter((i) => i.kind === "incident").pop();
  let incident = null;
  try { incident = latest && JSON.parse(textOf(latest.sha256)); } catch { /* shown as an item all the same */ }
  const story = incident && incident.story || [];
  const levels = ["", "informational", "low", "medium", "high", "critical"];
  const level = (l) => typeof l === "number" ? levels[l] || "" : levels.includes(l) ? l : "";

  if (incident) {
    section("Story", el("p", {}, clean(incident.headline || "")), el("ol", { class: "story" }, ...story.map((s) =>
      el("li", {}, el("small", {}, when(s.time) + " "), s.level ? el("span", { class: "tag " + level(s.level) }, level(s.level)) : null, clean(s.text), s.count > 1 ? el("small", {}, " \u00d7" + s.count) : null))));
  }

  // The time line: a lane for each tactic of the story, or for each operation's account where there is none.
  const points = story.length ? story.map((s) => ({ at: Date.parse(s.time), lane: s.tactic || "context", level: level(s.level), text: s.text }))
    : items.filter((i) => i.event && i.event.time).map((i) => ({ at: Date.parse(i.event.time), lane: i.event.account || "no account", level: "low", text: i.name }));
  const dots = points.filter((p) => Number.isFinite(p.at)).slice(0, 2000);
  if (dots.length) {
    const lanes = [...new Set(dots.map((p) => p.lane))].slice(0, 30), from = Math.min(...dots.map((p) => p.at)), to = Math.max(...dots.map((p) => p.at));
    const x = (t) => to > from ? 170 + 700 * (t - from) / (to - from) : 520, height = 24 * lanes.length + 40;
    section("Time line", el("svg", { viewBox: "0 0 900 " + height, role: "img", "aria-label": "Time line; the story and the evidence say the same in words" },
      ...lanes.flatMap((lane, i) => [el("line", { x1: 160, x2: 880, y1: 20 + 24 * i, y2: 20 + 24 * i }), el("text", { x: 8, y: 24 + 24 * i, class: "soft" }, clean(short(lane, 24)))]),
      ...dots.filter((p) => lanes.includes(p.lane)).map((p) => el("circle", { class: p.level, cx: x(p.at).toFixed(1), cy: 20 + 24 * lanes.indexOf(p.lane), r: 5 }, el("title", {}, clean(p.text)))),
      el("text", { x: 160, y: height - 8, class: "soft" }, when(new Date(from).toISOString())), el("text", { x: 880, y: height - 8, class: "soft", "text-anchor": "end" }, when(new Date(to).toISOString()))));
  }

  // The graph: who did what to what, as the findings of the incident say it.
  const edges = new Map();
  const events = incident ? [...(incident.alerts || []).flatMap((a) => a.signals || []), ...(incident.signals || [])].flatMap((s) => [s.event, ...(s.related || [])]).filter(Boolean) : [];
  for (const e of new Map(events.map((e) => [e.uid, e])).values()) {
    const who = e.origin && (e.origin.name || e.origin.id) || e.principal || "unknown";
    for (const r of e.resources && e.resources.length ? e.resources : [{ id: e.service || "unknown" }]) {
      const k = JSON.stringify([who, e.operation, r.name || r.id]);
      edges.set(k, (edges.get(k) || 0) + 1);
    }
  }
  if (edges.size) {
    const all = [...edges].map(([k, n]) => [...JSON.parse(k), n]).sort((a, b) => b[3] - a[3]), list = all.slice(0, 40);
    const left = [...new Set(list.map((e) => e[0]))], right = [...new Set(list.map((e) => e[2]))], height = 26 * Math.max(left.length, right.length) + 20;
    const y = (set, v) => (height - 20) * (set.indexOf(v) + .5) / set.length + 10;
    section("Who did what to what", el("svg", { viewBox: "0 0 900 " + height, role: "img", "aria-label": "Graph; the table below says the same" },
      ...list.map(([a, , b]) => el("path", { class: "edge", d: "M250 " + y(left, a).toFixed(1) + " C420 " + y(left, a).toFixed(1) + " 420 " + y(right, b).toFixed(1) + " 590 " + y(right, b).toFixed(1) })),
      ...left.flatMap((v) => [el("circle", { class: "node", cx: 250, cy: y(left, v), r: 4 }), el("text", { x: 240, y: y(left, v) + 4, "text-anchor": "end" }, clean(short(v, 38)))]),
      ...right.flatMap((v) => [el("circle", { class: "node", cx: 590, cy: y(right, v), r: 4 }), el("text", { x: 600, y: y(right, v) + 4 }, clean(short(v, 48)))])),
    el("details", {}, el("summary", {}, "The same as a table"), el("div", { class: "wide" }, el("table", {}, el("tr", {}, ...["Who", "Did", "To", "Times"].map((h) => el("th", {}, h))),
      ...all.slice(0, 500).map((e) => el("tr", {}, ...e.map((v) => el("td", {}, clean(v)))))))), all.length > 40 ? el("p", { class: "soft" }, "The picture shows the 40 most frequent of " + all.length + ".") : "");
  }

  const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };
  const most = 200, images = ["image/png", "image/jpeg", "image/gif", "image/webp"];
  const body = (i) => {
    const b = blob(i.sha256) || new Uint8Array(), out = [el("p", {}, el("small", {}, "SHA-256 "), el("code", {}, i.sha256), el("small", {}, " \u00b7 " + b.length.toLocaleString("en") + " bytes \u00b7 " + clean(i.media)))];
    const url = URL.createObjectURL(new Blob([b], { type: images.includes(i.media) ? i.media : "application/octet-stream" }));
    out.push(el("p", {}, el("a", { href: url, download: i.sha256 }, "Save the bytes")));
    if (images.includes(i.media)) out.push(el("img", { src: url, alt: clean(i.name) }));
    else out.push(el("h3", {}, i.event ? "As received" : "Content"), el("pre", {}, clean(pretty(short(new TextDecoder().decode(b.subarray(0, 1 << 20)), 1 << 20)))), b.length > 1 << 20 ? el("p", { class: "soft" }, "Only the first MiB is shown; save the bytes for the rest.") : null);
    if (i.event) {
      if (i.event.ocsf) out.push(el("h3", {}, "As OCSF"), el("pre", {}, clean(pretty(textOf(i.event.ocsf)))));
      const p = i.event.proof;
      out.push(el("p", {}, p ? "Proof: place " + p.index + " among the events of data file " + clean(p.file) + ", whose root is in leaf " + p.leaf + " of the ledger." : "No proof of the data file: these bytes are sealed as of the capture only."));
      out.push(facts([["Account", i.event.account], ["Occurred", when(i.event.time)], ["Received", when(i.event.received)], ["Source", i.event.source], ["Came in", i.event.object], ["Format", i.event.format]]));
    }
    return out.filter((x) => x !== null);
  };
  const shown = el("div", {}), search = el("input", { type: "search", placeholder: "Search in all items", "aria-label": "search in all items" });
  const texts = new Map();
  const haystack = (i) => {
    if (!texts.has(i)) texts.set(i, (i.name + " " + i.kind + " " + i.sha256 + " " + (images.includes(i.media) ? "" : textOf(i.sha256)) + (i.event && i.event.ocsf ? textOf(i.event.ocsf) : "")).toLowerCase());
    return texts.get(i);
  };
  const list = () => {
    const q = search.value.trim().toLowerCase(), hits = q ? items.filter((i) => haystack(i).includes(q)) : items;
    shown.replaceChildren(el("p", { class: "soft" }, hits.length + " of " + items.length + " items" + (hits.length > most ? "; the first " + most + " are shown: search to narrow them" : "")),
      ...hits.slice(0, most).map((i) => {
        const d = el("details", { on: ["toggle", () => { if (d.childElementCount === 1) d.append(...body(i)); }] }, el("summary", {}, el("span", { class: "tag" }, i.kind), el("small", {}, (i.event ? when(i.event.time) : "capture " + i.capture) + " "), clean(i.name)));
        return d;
      }));
  };
  search.addEventListener("input", list);
  section("Evidence", search, shown);
  list();

  section("Captures", ...manifests.map((m) => el("details", {}, el("summary", {}, m.capture + ". " + when(m.at) + " by " + clean(m.by.name) + ": " + clean(m.why)),
    el("p", {}, m.items.length + " items"), ...m.notes.map((n) => el("p", { class: "soft" }, clean(n))))));
  section("Chain of custody", el("div", { class: "wide" }, el("table", {}, el("tr", {}, ...["When", "Who", "Did", "To", "Why"].map((h) => el("th", {}, h))), ...bundle.custody.map((line) => {
    const d = JSON.parse(line);
    return el("tr", {}, ...[when(d.at), d.by.name + (d.by.address ? " (" + d.by.address + ")" : ""), d.action, short(d.object, 13), d.detail].map((v) => el("td", {}, clean(v))));
  }))));

  say("open", "NOT VERIFIED YET: give the ledger's public key, from a copy that did not come with this page.");
  const given = /^#key=(.+)$/.exec(decodeURIComponent(location.hash));
  if (given) { key.value = given[1]; verify(); }
});
