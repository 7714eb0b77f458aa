// The part of Markdown that a note needs: paragraphs, lists, quotes, code, bold, italic and links. Everything else is text as it was
// written: there are no pictures and there is no HTML. What is read here becomes elements, never markup.

/** Inline is a stretch of a line. */
export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'bold' | 'italic'; of: Inline[] }
  | { kind: 'link'; to: string; text: string };

/** Block is a part of a note that begins a line. */
export type Block =
  | { kind: 'paragraph'; lines: Inline[][] }
  | { kind: 'code'; text: string }
  | { kind: 'list'; ordered: boolean; start: number; items: Inline[][] }
  | { kind: 'quote'; of: Block[] };

const deepest = 4; // quotes in quotes, bold in italic
const item = /^ {0,3}(?:[-*+]|(\d{1,6})[.)])\s+(.*)$/;
const fence = /^ {0,3}(```+|~~~+)/;
const quote = /^ {0,3}> ?/;

/** blocks reads a note. */
export function blocks(text: string, deep = 0): Block[] {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const out: Block[] = [];
  let at = 0;
  /** take reads lines while they are of a kind. */
  function take(is: (line: string) => boolean): string[] {
    const from = at;
    while (at < lines.length && is(lines[at] ?? '')) at++;
    return lines.slice(from, at);
  }
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const fenced = fence.exec(line)?.[1];
    if (fenced) {
      at++;
      const inside = take((l) => !l.trimStart().startsWith(fenced));
      at++; // its end, or that of the note
      out.push({ kind: 'code', text: inside.join('\n') });
    } else if (deep < deepest && quote.test(line)) {
      out.push({
        kind: 'quote',
        of: blocks(
          take((l) => quote.test(l))
            .map((l) => l.replace(quote, ''))
            .join('\n'),
          deep + 1,
        ),
      });
    } else if (item.test(line)) {
      out.push(list(take((l) => item.test(l) && !!item.exec(l)?.[1] === !!item.exec(line)?.[1])));
    } else if (line.trim() === '') {
      at++;
    } else {
      const first = at;
      const said = take((l) => l.trim() !== '' && (at === first || !begins(l, deep)));
      out.push({ kind: 'paragraph', lines: said.map((l) => inline(l)) });
    }
  }
  return out;
}

function begins(line: string, deep: number): boolean {
  return fence.test(line) || item.test(line) || (deep < deepest && quote.test(line));
}

function list(lines: readonly string[]): Block {
  const parts = lines.map((l) => item.exec(l));
  const number = parts[0]?.[1];
  return { kind: 'list', ordered: !!number, start: Number(number ?? 1), items: parts.map((p) => inline(p?.[2] ?? '')) };
}

/** inline reads a line. Each mark that has no end is text; it is looked for once, so that no line takes long. */
export function inline(text: string, deep = 0): Inline[] {
  const out: Inline[] = [];
  const missing = new Set<string>();
  let plain = '';
  let at = 0;
  function add(i: Inline, to: number) {
    if (plain) out.push({ kind: 'text', text: plain });
    plain = '';
    out.push(i);
    at = to;
  }
  /** end is where a mark stands again after a place, or -1. */
  function end(mark: string, from: number): number {
    if (missing.has(mark)) return -1;
    const found = text.indexOf(mark, from);
    if (found < 0) missing.add(mark);
    return found;
  }
  while (at < text.length) {
    const before = at;
    const c = text[at] ?? '';
    if (c === '\\' && /[\\`*_[\]()>#.-]/.test(text[at + 1] ?? '')) {
      plain += text[at + 1];
      at += 2;
    } else if (c === '`') {
      const to = end('`', at + 1);
      if (to > at + 1) add({ kind: 'code', text: text.slice(at + 1, to) }, to + 1);
    } else if (c === '*' || c === '_') {
      marked(c);
    } else if (c === '[') {
      const middle = end('](', at + 1);
      const to = middle < 0 ? -1 : end(')', middle + 2);
      const link = to < 0 ? undefined : address(text.slice(middle + 2, to));
      if (link) add({ kind: 'link', to: link, text: text.slice(at + 1, middle) }, to + 1);
    } else if (c === 'h' && !/[\p{L}\p{N}]$/u.test(plain.slice(-2))) {
      const word = /^https?:\/\/[^\s<>"'`]+/.exec(text.slice(at, at + 2000))?.[0].replace(/[.,;:!?)\]}*_]+$/, '');
      const link = word && address(word);
      if (word && link) add({ kind: 'link', to: link, text: word }, at + word.length);
    }
    if (at === before) {
      plain += c;
      at++;
    }
  }
  if (plain) out.push({ kind: 'text', text: plain });
  return out;

  function marked(c: string) {
    if (deep >= deepest) return;
    for (const mark of [c + c, c]) {
      if (!text.startsWith(mark, at)) continue;
      const from = at + mark.length;
      const to = end(mark, from);
      const of = text.slice(from, to);
      // As in 2 * 3 * 4, and in snake_case, it is no mark.
      if (to <= from || of !== of.trim() || (c === '_' && (wordly(text[at - 1]) || wordly(text[to + mark.length]))))
        continue;
      add({ kind: mark.length === 2 ? 'bold' : 'italic', of: inline(of, deep + 1) }, to + mark.length);
      return;
    }
  }
}

function wordly(c: string | undefined): boolean {
  return c !== undefined && /[\p{L}\p{N}]/u.test(c);
}

/** address is a link's target as the browser will ask for it; undefined for all that is no page elsewhere. */
export function address(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || text.length > 2000) return undefined;
  try {
    const u = new URL(text);
    return (u.protocol === 'http:' || u.protocol === 'https:') && u.hostname && !u.username && !u.password
      ? u.href
      : undefined;
  } catch {
    return undefined;
  }
}
