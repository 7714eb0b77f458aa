/** Test asks one column for one of some values; patterns have % and _. It holds for no event in which the column is empty, unless empty says so. */
export interface Test {
  column: string;
  like: boolean;
  fold: boolean; // capitals and small letters are the same
  values: (string | number)[];
  not: boolean;
  empty: boolean; // it also holds where the column is empty; with no values: only there
  escape: string; // of a pattern: the character before a % or _ that is meant as itself
}

/** Condition is a filter as a tree: a test, or some of which all or any hold. */
export type Condition = Test | { all: boolean; of: Condition[] };

interface Token {
  kind: 'name' | 'text' | 'number' | 'sign';
  text: string;
}

const comparing = new Set(['<', '>', '<=', '>=']);

/** tokens cuts a condition into words; what it cannot be made of is refused with a sentence. */
function tokens(sql: string): Token[] {
  const out: Token[] = [];
  const form =
    /\s+|--[^\n]*|'((?:[^']|'')*)'|"((?:[^"]|"")*)"|([\p{L}_][\p{L}\p{N}_]*)|(-?\d+(?:\.\d+)?)|(<>|!=|<=|>=|==|.)/suy;
  for (let at = 0; at < sql.length; at = form.lastIndex) {
    form.lastIndex = at;
    const m = form.exec(sql);
    if (!m) break;
    const [, text, quotedName, name, number, sign] = m;
    if (text !== undefined) out.push({ kind: 'text', text: text.replaceAll("''", "'") });
    else if (quotedName !== undefined) out.push({ kind: 'name', text: `"${quotedName.replaceAll('""', '"')}` });
    else if (name !== undefined) out.push({ kind: 'name', text: name });
    else if (number !== undefined) out.push({ kind: 'number', text: number });
    else if (sign !== undefined) out.push({ kind: 'sign', text: sign });
  }
  return out;
}

/** CannotError says why a condition is not to be had in another language. */
export class CannotError extends Error {}

const knows = 'only =, <>, IN, LIKE and IS NULL, with AND, OR, NOT and brackets, can be put in other words';

class Reader {
  private at = 0;
  private readonly list: Token[];

  constructor(sql: string) {
    this.list = tokens(sql);
  }

  private is(...words: string[]): boolean {
    return words.every((w, i) => {
      const t = this.list[this.at + i];
      return !!t && (t.kind === 'name' || t.kind === 'sign') && t.text.toUpperCase() === w;
    });
  }

  private take(...words: string[]): boolean {
    if (!this.is(...words)) return false;
    this.at += words.length;
    return true;
  }

  private fail(): never {
    const t = this.list[this.at];
    if (!t) throw new CannotError(`The filter ends too early; ${knows}.`);
    const near = t.text.length > 40 ? `${t.text.slice(0, 40)}…` : t.text;
    if (comparing.has(t.text)) throw new CannotError(`The filter compares with ${near}; ${knows}.`);
    throw new CannotError(`The filter has ${near} in a place that this does not read; ${knows}.`);
  }

  whole(): Condition {
    const c = this.any(false);
    if (this.at < this.list.length) this.fail();
    return c;
  }

  /** any reads what OR joins. A NOT before a bracket goes to each test in it: so that an empty column stays what it is in SQL, neither. */
  private any(not: boolean): Condition {
    const of = [this.every(not)];
    while (this.take('OR')) of.push(this.every(not));
    return joined(not, of);
  }

  private every(not: boolean): Condition {
    const of = [this.one(not)];
    while (this.take('AND')) of.push(this.one(not));
    return joined(!not, of);
  }

  private one(not: boolean): Condition {
    if (this.take('NOT')) return this.one(!not);
    if (this.take('(')) {
      const c = this.any(not);
      if (!this.take(')')) this.fail();
      return c;
    }
    return this.test(not);
  }

  private test(not: boolean): Test {
    const column = this.column();
    const t: Test = { column, like: false, fold: false, values: [], not, empty: false, escape: '' };
    if (this.take('IS')) return this.being(t);
    if (this.take('=') || this.take('==')) return { ...t, values: [this.value()] };
    if (this.take('<>') || this.take('!=')) return { ...t, values: [this.value()], not: !not };
    if (this.take('NOT')) t.not = !not;
    if (this.take('IN')) return { ...t, values: this.values() };
    t.fold = this.is('ILIKE');
    if (!this.take('LIKE') && !this.take('ILIKE')) this.fail();
    t.like = true;
    t.values = [String(this.value())];
    if (this.take('ESCAPE')) t.escape = String(this.value());
    return t;
  }

  /** being reads what follows IS. */
  private being(t: Test): Test {
    let not = t.not;
    if (this.take('NOT')) not = !not;
    if (this.take('NULL')) return not ? { ...t, not: true, empty: false } : { ...t, not: false, empty: true };
    if (!this.take('DISTINCT', 'FROM')) this.fail();
    return not
      ? { ...t, not: false, values: [this.value()] }
      : { ...t, not: true, empty: true, values: [this.value()] };
  }

  private column(): string {
    const part = () => {
      const t = this.list[this.at];
      if (t?.kind !== 'name') this.fail();
      this.at++;
      return t.text.replace(/^"/, '');
    };
    let name = part();
    while (this.take('.')) name += `.${part()}`;
    if (this.is('(')) this.fail();
    return name;
  }

  private value(): string | number {
    const t = this.list[this.at];
    if (t?.kind !== 'text' && t?.kind !== 'number') this.fail();
    this.at++;
    return t.kind === 'number' ? Number(t.text) : t.text;
  }

  private values(): (string | number)[] {
    if (!this.take('(')) this.fail();
    const out = [this.value()];
    while (this.take(',')) out.push(this.value());
    if (!this.take(')')) this.fail();
    return out;
  }
}

function joined(all: boolean, of: Condition[]): Condition {
  const [first] = of;
  if (of.length === 1 && first) return first;
  return { all, of: of.flatMap((c) => ('of' in c && c.all === all ? c.of : [c])) };
}

/** read makes a tree of a filter, or throws a CannotError. */
export function read(filter: string): Condition {
  if (!filter.trim() || filter.trim().toLowerCase() === 'true')
    throw new CannotError('The filter is empty: it lets everything through. Ask for something first.');
  return new Reader(filter).whole();
}

/** Part of a pattern: a text as it is, or a place for any text or any one character. */
export type Part = { text: string } | { wild: '%' | '_' };

/** parts takes a pattern of LIKE apart. */
export function parts(pattern: string, escaping: string): Part[] {
  const out: Part[] = [];
  const chars = [...pattern];
  for (let i = 0; i < chars.length; i++) {
    let c = chars[i] ?? '';
    const last = out.at(-1);
    if (c === escaping && i + 1 < chars.length) c = chars[++i] ?? '';
    else if (c === '%' || c === '_') {
      out.push({ wild: c });
      continue;
    }
    if (last && 'text' in last) last.text += c;
    else out.push({ text: c });
  }
  return out;
}
