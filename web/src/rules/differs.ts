import type { Schemas } from '../api/client';
import { known } from '../ui/format';

type Tried = Schemas['RuleTrial'];
type Day = Schemas['TrialDay'];

/** Line is one of a text that was changed. */
export interface Line {
  how: 'same' | 'added' | 'removed' | 'left out';
  text: string;
}

const longest = 2000; // lines of which a difference is sought; beyond it everything counts as changed

/** lines says how one text becomes another: by the longest run of lines that both have in the same order. */
export function lines(was: string, is: string): Line[] {
  const a = was.replace(/\n$/, '').split('\n');
  const b = is.replace(/\n$/, '').split('\n');
  const out: Line[] = [];
  if (a.length > longest || b.length > longest)
    return [...a.map((text): Line => ({ how: 'removed', text })), ...b.map((text): Line => ({ how: 'added', text }))];
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const row = common[i];
      if (row) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ how: 'same', text: a[i] ?? '' });
      i++;
      j++;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
      out.push({ how: 'removed', text: a[i++] ?? '' });
    } else {
      out.push({ how: 'added', text: b[j++] ?? '' });
    }
  }
  return out;
}

const around = 2; // lines of what stayed that are shown beside a change

/** alike leaves out what stayed, but for a few lines beside each change. */
export function alike(all: Line[]): Line[] {
  const out: Line[] = [];
  for (const [i, l] of all.entries()) {
    const near = all.slice(Math.max(0, i - around), i + around + 1).some((x) => x.how !== 'same');
    if (near) out.push(l);
    else if (out.at(-1)?.how !== 'left out') out.push({ how: 'left out', text: '⋯' });
  }
  return out;
}

/** told says in a sentence what a trial came to. */
export function told(t: Tried): string {
  const alerts = (n: number) => (n === 1 ? '1 alert' : `${n.toLocaleString('en')} alerts`);
  if (!t.edited) return t.before === 0 ? 'It finds nothing in this time.' : `It finds ${alerts(t.before)}.`;
  if (t.gained + t.lost + t.changed === 0) return `The change finds the same: ${alerts(t.before)}.`;
  return `${alerts(t.before)} now, ${alerts(t.after)} changed: ${t.gained.toLocaleString('en')} gained, ${t.lost.toLocaleString('en')} lost, ${t.changed.toLocaleString('en')} otherwise.`;
}

const dayMillis = 24 * 60 * 60 * 1000;
const hourMillis = 60 * 60 * 1000;
const usual = 7; // days

/** ranges are the times that a rule is tried over; the first is offered. What fired last longer ago than usual is tried up to then. */
export function ranges(last: string | undefined, now: number): { value: string; label: string }[] {
  const back = [
    { value: '7', label: '7 days' },
    { value: '1', label: '1 day' },
    { value: '30', label: '30 days' },
  ];
  const fired = known(last) ? { value: 'last', label: `${usual} days to its last alert` } : undefined;
  if (!fired) return back;
  return Date.parse(last ?? '') < now - usual * dayMillis ? [fired, ...back] : [...back, fired];
}

/** range is one of them from when to when. */
export function range(which: string, last: string | undefined, now: number): { from: string; to: string } {
  const to = which === 'last' ? Date.parse(last ?? '') + hourMillis : now;
  const days = which === 'last' ? usual : Number(which);
  return { from: new Date(to - days * dayMillis).toISOString(), to: new Date(to).toISOString() };
}

/** spread gives every day of a range its counts, also those without any. */
export function spread(days: Day[], from: string, to: string): Day[] {
  const of = new Map(days.map((d) => [d.day, d]));
  const out: Day[] = [];
  const begin = Date.parse(`${from.slice(0, 10)}T00:00:00Z`);
  for (let at = begin; at < Date.parse(to) && out.length < 40; at += dayMillis) {
    const day = new Date(at).toISOString().slice(0, 10);
    out.push(of.get(day) ?? { day, before: 0, after: 0 });
  }
  return out;
}
