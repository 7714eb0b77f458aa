// Gives bundles from standard input to the page's verifier, and checks its parts against Node's own.
"use strict";
const crypto = require("node:crypto"), assert = require("node:assert");
const evidence = require("../page/verifier.js");

for (const n of [0, 1, 3, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 1000, 70000]) {
  const b = new Uint8Array(crypto.createHash("shake256", { outputLength: n }).update("seed").digest());
  assert.equal(evidence.hex(evidence.sha256(b)), crypto.createHash("sha256").update(b).digest("hex"), "SHA-256 of " + n);
  assert.equal(evidence.hex(evidence.sha512(b)), crypto.createHash("sha512").update(b).digest("hex"), "SHA-512 of " + n);
}
for (let i = 0; i < 8; i++) {
  const { publicKey, privateKey } = crypto.generateKeyPairSync("ed25519");
  const key = new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32)), message = new Uint8Array(crypto.randomBytes(17 * i));
  const signature = new Uint8Array(crypto.sign(null, message, privateKey));
  assert(evidence.ed25519(key, message, signature), "a right signature");
  for (const at of [0, 31, 32, 63]) {
    const wrong = signature.slice();
    wrong[at] ^= 1;
    assert(!evidence.ed25519(key, message, wrong), "a wrong signature");
  }
  // A signature is no other one with the group's order added to its number (RFC 8032, section 5.1.7).
  let carry = 0n, order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const second = signature.slice();
  for (let j = 32; j < 64; j++, order >>= 8n) { carry += BigInt(second[j]) + (order & 255n); second[j] = Number(carry & 255n); carry >>= 8n; }
  assert(!evidence.ed25519(key, message, second), "a second form of a signature");
  assert(!evidence.ed25519(key.subarray(1), message, signature) && !evidence.ed25519(key, message, signature.subarray(1)), "short ones");
}

const { key, other, ask } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const out = {};
const run = (a, k) => evidence.verify(a.Bundle, (sum) => a.Blobs[sum] ? new Uint8Array(Buffer.from(a.Blobs[sum], "base64")) : null, k);
for (const a of ask) out[a.Name] = run(a, key);
out["another key"] = run(ask[0], other);
console.log(JSON.stringify(out));
