// Counts the packed bytes that a browser fetches before the first page stands: what index.html loads, the home page, and all that either
// imports. In: dist/manifest.json, which the build wrote, and the packed files. Out: the number, on standard output.
import { readFileSync, statSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('dist/manifest.json', 'utf8'));
const files = new Set();
const seen = new Set();

function load(name) {
  if (seen.has(name)) return;
  seen.add(name);
  const chunk = manifest[name];
  if (!chunk) throw new Error(`the build has no ${name}: say in web/firstload.mjs what the first page is now`);
  for (const file of [chunk.file, ...(chunk.css ?? [])]) files.add(file);
  for (const next of chunk.imports ?? []) load(next);
}

load('index.html');
load('src/home/home.tsx');
let bytes = 0;
for (const file of files) bytes += statSync(`dist/${file}.gz`).size;
console.log(bytes);
