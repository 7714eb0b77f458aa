import type { Schemas } from '../api/client';

export type Question = Schemas['Question'];
export type Found = Schemas['Found'];

/** quoted is a text as SQL writes it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** like is a pattern that finds a text as it is, anywhere. */
function like(text: string): string {
  return quoted(`%${text.replaceAll('\\', '\\\\').replaceAll('%', '\\%').replaceAll('_', '\\_')}%`);
}

const pivots = ['principal', 'origin', 'session', 'access_key', 'src_ip', 'resource', 'account'] as const;

/** mention is the condition for everything that mentions a value: the columns that one pivots on, then the record itself. */
export function mention(value: string): string {
  return [...pivots.map((c) => `${c} = ${quoted(value)}`), `raw_data LIKE ${like(value)} ESCAPE '\\'`].join(' OR ');
}

/** shown are the columns of a list of events; the last is for opening one. */
const shown = 'time_dt, account, region, operation, origin, src_ip, status, resource, metadata.uid AS uid';

/** listSQL lists the events that a condition lets through, the newest first. The line end keeps a comment from eating the bracket. */
export function listSQL(condition: string): string {
  return `SELECT ${shown}\nFROM events\nWHERE (${condition}\n)\nORDER BY time_dt DESC`;
}

export const facetColumns = ['operation', 'origin', 'src_ip', 'account', 'region', 'status', 'format'] as const;

/** facetSQL counts the values of the columns that one narrows by, the most frequent of each, and the number of different ones. */
export function facetSQL(condition: string): string {
  const each = facetColumns
    .map((c) => `SELECT '${c}' AS c, CAST(${c} AS VARCHAR) AS v, count(*) AS n FROM e GROUP BY ${c}`)
    .join('\nUNION ALL ');
  return `WITH e AS (SELECT ${facetColumns.join(', ')} FROM events WHERE (${condition}\n)), f AS (${each}),
r AS (SELECT c, v, n, row_number() OVER (PARTITION BY c ORDER BY n DESC, v) AS most, count(*) OVER (PARTITION BY c) AS kinds FROM f)
SELECT c, v, n, kinds FROM r WHERE most <= 6 ORDER BY c, most`;
}

/** histogramSQL counts events in steps of so many milliseconds. */
export function histogramSQL(condition: string, step: number): string {
  return `SELECT epoch_ms(time_dt) // ${step} AS t, count(*) AS n, count(*) FILTER (WHERE status = 'Failure') AS bad FROM events WHERE (${condition}\n) GROUP BY 1 ORDER BY 1`;
}

const minute = 60_000;
const steps = [1, 5, 15, 60, 180, 720, 1440, 10_080].map((m) => m * minute);
const mostBars = 80;

/** stepFor is the width of a bar, in milliseconds, so that a span has no more bars than one can see. */
export function stepFor(span: number): number {
  return steps.find((s) => span / s <= mostBars) ?? Math.ceil(span / mostBars / 1440 / minute) * 1440 * minute;
}

/** eventQuestion asks for one event, whole; its time spares reading every file. */
export function eventQuestion(uid: string, time?: string): Question {
  const at = time ? Date.parse(time) : Number.NaN;
  const window = Number.isNaN(at)
    ? {}
    : { from: new Date(at - minute).toISOString(), to: new Date(at + minute).toISOString() };
  return { sql: `SELECT * FROM events WHERE metadata.uid = ${quoted(uid)}`, rows: 1, ...window };
}

/** record takes of an answer the event as it came, and what was made of it, without what is empty. */
export function record(f: Found): { raw: unknown; ocsf: unknown } | undefined {
  const row = f.rows?.[0];
  if (!row) return undefined;
  const all = Object.fromEntries((f.columns ?? []).map((c, i) => [c, row[i]]));
  const { raw_data, ...ocsf } = all;
  return { raw: raw_data ?? '', ocsf: filled(ocsf) };
}

/** filled leaves out what is null, at any depth. */
export function filled(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(filled);
  if (v === null || typeof v !== 'object') return v;
  const out: Record<string, unknown> = {};
  for (const [k, x] of Object.entries(v)) {
    const f = filled(x);
    if (f !== null && !(typeof f === 'object' && Object.keys(f).length === 0)) out[k] = f;
  }
  return out;
}

/** narrow adds to a condition that a column has a value, or has not. */
export function narrow(condition: string, column: string, value: string | null, not = false): string {
  const is =
    value === null
      ? `${column} IS ${not ? 'NOT ' : ''}NULL`
      : `${column} ${not ? 'IS DISTINCT FROM' : '='} ${quoted(value)}`;
  const before = condition.trim();
  if (!before || before === 'true') return is;
  return `${/\bor\b|--/i.test(before) && !before.startsWith('(') ? `(${before}\n)` : before} AND ${is}`;
}
