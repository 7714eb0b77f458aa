"use strict";
// Checks exported evidence with the ledger's first public key and nothing else: no network, no library. It runs in the page and in Node.
// Facts: SHA-2 is FIPS 180-4, Ed25519 RFC 8032, the tree RFC 6962, notes and checkpoints https://c2sp.org/signed-note and tlog-checkpoint.
const evidence = (() => {
  const utf8 = (s) => new TextEncoder().encode(s);
  const hex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
  const unhex = (s) => {
    if (!/^([0-9a-f]{2})*$/.test(s)) throw new Error("a hash is malformed");
    return Uint8Array.from(s.match(/../g) || [], (x) => parseInt(x, 16));
  };
  const unbase64 = (s) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0));
  const join = (...parts) => {
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const p of parts) { out.set(p, at); at += p.length; }
    return out;
  };
  const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

  // The first bits of the fractional parts of roots of primes, from which SHA-2 takes its constants, reckoned in whole numbers.
  const primes = [];
  for (let n = 2; primes.length < 80; n++) if (primes.every((p) => n % p)) primes.push(n);
  const root = (n, k, bits) => { // floor(n^(1/k) * 2^bits)
    const target = BigInt(n) << BigInt(bits * k);
    let low = 0n, high = 1n << BigInt(bits + 10);
    while (high - low > 1n) {
      const mid = (low + high) >> 1n;
      if (mid ** BigInt(k) <= target) low = mid; else high = mid;
    }
    return low;
  };
  const K512 = primes.map((p) => BigInt.asUintN(64, root(p, 3, 64)));
  const H512 = primes.slice(0, 8).map((p) => BigInt.asUintN(64, root(p, 2, 64)));
  const K256 = Int32Array.from(K512.slice(0, 64), (k) => Number(BigInt.asIntN(32, k >> 32n)));
  const H256 = Int32Array.from(H512, (h) => Number(BigInt.asIntN(32, h >> 32n)));

  const padded = (m, block) => {
    const length = Math.ceil((m.length + 1 + block / 8) / block) * block;
    const out = new Uint8Array(length);
    out.set(m); out[m.length] = 0x80;
    new DataView(out.buffer).setBigUint64(length - 8, BigInt(m.length) * 8n);
    return out;
  };

  function sha256(m) {
    const h = H256.slice(), w = new Int32Array(64);
    const tailAt = m.length - m.length % 64, tail = padded(m.subarray(tailAt), 64);
    new DataView(tail.buffer).setBigUint64(tail.length - 8, BigInt(m.length) * 8n);
    const run = (b, end) => {
      for (let at = 0; at < end; at += 64) {
        for (let i = 0, j = at; i < 16; i++, j += 4) w[i] = b[j] << 24 | b[j + 1] << 16 | b[j + 2] << 8 | b[j + 3];
        for (let i = 16; i < 64; i++) {
          const x = w[i - 15], y = w[i - 2];
          w[i] = w[i - 16] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) + w[i - 7] + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10) | 0;
        }
        let a = h[0], bb = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], hh = h[7];
        for (let i = 0; i < 64; i++) {
          const t1 = hh + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K256[i] + w[i] | 0;
          const t2 = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & bb ^ a & c ^ bb & c) | 0;
          hh = g; g = f; f = e; e = d + t1 | 0; d = c; c = bb; bb = a; a = t1 + t2 | 0;
        }
        h[0] += a; h[1] += bb; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += hh;
      }
    };
    run(m, tailAt); run(tail, tail.length);
    const out = new Uint8Array(32), view = new DataView(out.buffer);
    h.forEach((x, i) => view.setInt32(4 * i, x));
    return out;
  }

  function sha512(m) {
    const b = padded(m, 128), view = new DataView(b.buffer), h = H512.slice(), w = [];
    const cut = (x) => BigInt.asUintN(64, x), r = (x, n) => cut(x >> n | x << (64n - n));
    for (let at = 0; at < b.length; at += 128) {
      for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(at + 8 * i);
      for (let i = 16; i < 80; i++) {
        const x = w[i - 15], y = w[i - 2];
        w[i] = cut(w[i - 16] + (r(x, 1n) ^ r(x, 8n) ^ x >> 7n) + w[i - 7] + (r(y, 19n) ^ r(y, 61n) ^ y >> 6n));
      }
      let [a, bb, c, d, e, f, g, hh] = h;
      for (let i = 0; i < 80; i++) {
        const t1 = hh + (r(e, 14n) ^ r(e, 18n) ^ r(e, 41n)) + (e & f ^ cut(~e) & g) + K512[i] + w[i];
        const t2 = (r(a, 28n) ^ r(a, 34n) ^ r(a, 39n)) + (a & bb ^ a & c ^ bb & c);
        hh = g; g = f; f = e; e = cut(d + t1); d = c; c = bb; bb = a; a = cut(t1 + t2);
      }
      [a, bb, c, d, e, f, g, hh].forEach((x, i) => { h[i] = cut(h[i] + x); });
    }
    const out = new Uint8Array(64), o = new DataView(out.buffer);
    h.forEach((x, i) => o.setBigUint64(8 * i, x));
    return out;
  }

  // Ed25519. Points are [x, y, z, t] in extended coordinates.
  const P = 2n ** 255n - 19n, L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const mod = (x) => { const r = x % P; return r < 0n ? r + P : r; };
  const power = (x, n) => { let r = 1n; for (x = mod(x); n; n >>= 1n, x = x * x % P) if (n & 1n) r = r * x % P; return r; };
  const inverse = (x) => power(x, P - 2n);
  const D = mod(-121665n * inverse(121666n)), I = power(2n, (P - 1n) / 4n);
  const little = (b) => b.reduceRight((n, x) => n << 8n | BigInt(x), 0n);
  const plus = ([x1, y1, z1, t1], [x2, y2, z2, t2]) => {
    const a = mod((y1 - x1) * (y2 - x2)), b = mod((y1 + x1) * (y2 + x2)), c = mod(2n * D * t1 % P * t2), d = 2n * z1 * z2 % P;
    const e = b - a, f = d - c, g = d + c, h = b + a;
    return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
  };
  const times = (n, p) => { let r = [0n, 1n, 1n, 0n]; for (; n; n >>= 1n, p = plus(p, p)) if (n & 1n) r = plus(r, p); return r; };
  const point = (bytes) => {
    let y = little(bytes);
    const odd = y >> 255n;
    y &= (1n << 255n) - 1n;
    if (y >= P) return null;
    const u = mod(y * y - 1n), v = mod(D * y % P * y + 1n);
    let x = u * power(v, 3n) % P * power(u * power(v, 7n), (P - 5n) / 8n) % P;
    const square = mod(v * x % P * x);
    if (square === mod(-u)) x = mod(x * I); else if (square !== u) return null;
    if (x === 0n && odd) return null;
    if ((x & 1n) !== odd) x = P - x;
    return [x, y, 1n, mod(x * y)];
  };
  const B = point(unhex("58" + "66".repeat(31)));
  const packed = ([x, y, z]) => {
    const i = inverse(z);
    let n = mod(y * i) | (mod(x * i) & 1n) << 255n;
    return Uint8Array.from({ length: 32 }, () => { const b = Number(n & 255n); n >>= 8n; return b; });
  };
  function ed25519(key, message, signature) {
    const a = key.length === 32 && point(key);
    if (!a || signature.length !== 64) return false;
    const s = little(signature.subarray(32));
    if (s >= L) return false;
    const r = signature.subarray(0, 32), k = little(sha512(join(r, key, message))) % L;
    const minus = [P - a[0], a[1], 1n, P - a[3]];
    return same(packed(plus(times(s, B), times(k, minus))), r);
  }

  // Notes.
  function publicKey(text) {
    const m = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
    if (!m) throw new Error("this is no public key of a ledger: it looks like tocsin.local/ledger+12ab34cd+AbCd…");
    const data = unbase64(m[3]);
    const id = sha256(join(utf8(m[1] + "\n"), data)).subarray(0, 4);
    if (data.length !== 33 || data[0] !== 1 || hex(id) !== m[2]) throw new Error("the public key is mistyped: its parts do not fit together");
    return { text: text.trim(), name: m[1], id, data: data.subarray(1) };
  }
  function signedBy(note, key) {
    const at = note.lastIndexOf("\n\n");
    if (at < 0) return false;
    const text = utf8(note.slice(0, at + 1));
    return note.slice(at + 2).split("\n").some((line) => {
      const m = /^\u2014 (\S+) (\S+)$/.exec(line);
      if (!m || m[1] !== key.name) return false;
      const data = unbase64(m[2]);
      return data.length === 68 && same(data.subarray(0, 4), key.id) && ed25519(key.data, text, data.subarray(4));
    });
  }
  const leafHash = (b) => sha256(join([0], b));
  const nodeHash = (a, b) => sha256(join([1], a, b));
  function included(leaf, index, size, path, rootHash) {
    if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) return false;
    let f = index, s = size - 1, r = leaf;
    const half = () => { f = Math.floor(f / 2); s = Math.floor(s / 2); };
    for (const p of path) {
      if (s === 0) return false;
      if (f % 2 === 1 || f === s) {
        r = nodeHash(unhex(p), r);
        while (f % 2 === 0 && f !== 0) half();
      } else r = nodeHash(r, unhex(p));
      half();
    }
    return s === 0 && same(r, rootHash);
  }

  // A statement: leaves of the ledger under a signed checkpoint. It returns the lines that it proves, by index.
  function proveStatement(statement, first) {
    if (!statement.checkpoint) throw new Error("it is not sealed yet");
    const [origin, size, root64] = statement.checkpoint.split("\n");
    const cp = { size: Number(size), root: unbase64(root64) };
    if (!/^(0|[1-9]\d*)$/.test(size) || cp.root.length !== 32 || origin !== first.name) throw new Error("its checkpoint is not of the ledger of this key");
    const keys = [{ key: first, from: 0 }];
    for (const k of statement.keys || []) {
      const entry = JSON.parse(k.line), leaf = entry.leaf, last = keys[keys.length - 1];
      if (entry.kind !== "key-rotated" || leaf.old !== last.key.text) throw new Error("its chain of keys is broken");
      const next = publicKey(leaf.new);
      const said = "tocsin ledger key rotation\n" + origin + "\n" + leaf.old + "\n" + leaf.new + "\n\n" + leaf.signature;
      if (next.name !== origin || !signedBy(said, last.key)) throw new Error("its chain of keys is broken");
      keys.push({ key: next, from: k.index + 1 });
    }
    const i = keys.findIndex((k) => signedBy(statement.checkpoint, k.key));
    if (i < 0) throw new Error("no key that follows from the public key signed it");
    if (cp.size < keys[i].from || i + 1 < keys.length && cp.size > keys[i + 1].from) throw new Error("it is signed by a key whose turn it was not");
    const lines = new Map();
    for (const l of [...statement.keys || [], ...statement.leaves || []]) {
      if (!included(leafHash(utf8(l.line)), l.index, cp.size, l.path || [], cp.root)) throw new Error("leaf " + l.index + " is not in the signed log");
      lines.set(l.index, JSON.parse(l.line));
    }
    return lines;
  }
  function checkSeal(statement, first, sum, id) {
    for (const entry of proveStatement(statement, first).values()) {
      if (entry.kind === "evidence" && entry.leaf.sha256 === sum && entry.leaf.id === id) return;
    }
    throw new Error("the ledger's leaf is about something else: it was changed after it was sealed");
  }
  function checkEvent(lines, item) {
    const p = item.event.proof, entry = lines && lines.get(p.leaf);
    const files = !entry ? [] : entry.kind === "file-added" ? [entry.leaf.file] : entry.kind === "files-replaced" ? entry.leaf.new : [];
    const file = files.find((f) => f.path === p.file);
    if (!file) throw new Error("the ledger does not name its data file");
    if (!included(leafHash(unhex(item.sha256)), p.index, file.rows, p.path || [], unhex(file.root))) throw new Error("it is not in its data file");
  }

  // verify goes through all of a bundle. blob gives the bytes of a hash, or null. What is wrong comes as sentences.
  function verify(given, blob, keyText) {
    const bundle = { ...given, captures: given.captures || [], custody: given.custody || [] };
    const r = { problems: [], captures: 0, items: 0, events: 0, proven: 0, custody: bundle.custody.length, bytes: 0 };
    const attempt = (name, f) => { try { f(); return true; } catch (e) { r.problems.push(name + ": " + e.message); return false; } };
    if (!r.custody || !bundle.captures.length) r.problems.push("there is nothing in it");
    let first;
    if (!attempt("public key", () => { first = publicKey(keyText); })) return r;
    const sumOf = (text) => hex(sha256(utf8(text)));
    const seen = new Set();
    const bytes = (name, sum, want) => attempt(name, () => {
      if (seen.has(sum)) return;
      seen.add(sum);
      const b = blob(sum);
      if (!b) throw new Error("it is missing");
      if (hex(sha256(b)) !== sum || want >= 0 && b.length !== want) throw new Error("its bytes were changed");
      r.bytes += b.length;
    });
    let previous = "", set = "";
    for (const c of bundle.captures) {
      const sum = sumOf(c.manifest);
      r.captures++;
      let m;
      if (!attempt("capture " + r.captures, () => {
        m = JSON.parse(c.manifest);
        if (m.format !== "tocsin-evidence-capture/1") throw new Error("its manifest cannot be read");
      })) continue;
      set = set || m.set;
      attempt("capture " + m.capture, () => {
        if (m.set !== set || m.capture !== r.captures || m.previous !== previous) throw new Error("it does not follow from the one before");
        checkSeal(c.seal, first, sum, "evidence/" + m.set + "/" + m.capture);
      });
      previous = sum;
      let lines = null;
      if (m.lake) attempt("capture " + m.capture + ", proof of events", () => { lines = proveStatement(m.lake, first); });
      for (const item of m.items) {
        r.items++;
        bytes(item.kind + " " + item.name, item.sha256, item.bytes);
        if (!item.event) continue;
        r.events++;
        if (item.event.ocsf) bytes("OCSF of " + item.name, item.event.ocsf, -1);
        if (item.event.proof && attempt("event " + item.name, () => checkEvent(lines, item))) r.proven++;
      }
    }
    previous = "";
    bundle.custody.forEach((line, i) => {
      attempt("chain of custody, line " + (i + 1), () => { if (JSON.parse(line).previous !== previous) throw new Error("it does not follow from the one before"); });
      previous = sumOf(line);
    });
    attempt("export", () => {
      const note = JSON.parse(bundle.export);
      if (note.format !== "tocsin-evidence-export/1" || note.set !== set) throw new Error("its note cannot be read");
      checkSeal(bundle.seal, first, sumOf(bundle.export), "evidence/" + note.set + "/" + note.number);
      if (note.custody !== sumOf(bundle.custody.join("\n"))) throw new Error("the chain of custody is not the one that was exported");
      if (JSON.stringify(note.captures) !== JSON.stringify(bundle.captures.map((c) => sumOf(c.manifest)))) throw new Error("its captures are not those that were exported");
    });
    return r;
  }
  return { verify, sha256, sha512, ed25519, hex, unhex, utf8, unbase64, included };
})();
if (typeof module !== "undefined") module.exports = evidence;
