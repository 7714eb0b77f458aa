import type { Schemas } from '../api/client';
import { count } from '../ui/format';

export type Proposal = Schemas['HuntProposal'];

/** mostDays is the longest that a filter may stand, as the server has it: a year. */
const mostDays = 366;

/** provenHarmless reports whether a proposal may be accepted: it has a proof over all of history, and hides no true positive. */
export function provenHarmless(p: Pick<Proposal, 'proof'>): boolean {
  return !!p.proof && !p.proof.partial && (p.proof.lost ?? []).length === 0;
}

/** proofOf says a proof in sentences. */
export function proofOf(p: Proposal): string[] {
  const x = p.proof;
  const out = [
    `Learned from ${many(p.learned_from, 'alert')} judged false or benign; ${many(p.left, 'such alert')} it does not take.`,
    `Of ${many(p.true_positives, 'true positive')} it takes none.`,
  ];
  if (!x) return [...out, 'There is no proof yet: it cannot be accepted.'];
  out.push(
    `Over all of history the rule matched ${many(x.matches, 'time')}; the filter hides ${count(x.hidden)} of them, and ${count(x.saved)} of ${many(x.alerts, 'alert')}: ${perDay(x.saved_per_day)} a day.`,
  );
  if (x.matches > 0)
    out.push(
      `It read what is stored, which is all but the last minute: its matches are from ${minute(x.from)} to ${minute(x.to)} UTC.`,
    );
  const lost = x.lost ?? [];
  out.push(
    lost.length > 0
      ? `It would hide ${many(lost.length, 'event')} of true positives: it cannot be accepted.`
      : 'It hides no event of a true positive.',
  );
  if (x.partial) out.push(`The proof is not whole: ${x.partial}`);
  return out;
}

function minute(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}

function perDay(n: number): string {
  return n >= 10 ? count(Math.round(n)) : String(Math.round(n * 100) / 100);
}

/** many is a number of things in words. */
export function many(n: number, what: string): string {
  return `${count(n)} ${what}${n === 1 ? '' : 's'}`;
}

/** until turns a day as a date field has it into the end of that day (UTC), or says what is wrong with it. */
export function until(day: string, now: number): { expires: string } | { wrong: string } {
  const end = Date.parse(`${day}T23:59:59Z`);
  if (Number.isNaN(end)) return { wrong: 'Say until when it stands.' };
  if (end <= now) return { wrong: 'This day is past.' };
  if (end > now + mostDays * 864e5) return { wrong: 'A filter stands for a year at most.' };
  return { expires: new Date(end).toISOString() };
}

/** dayIn is the day so many days from now, as a date field has it. */
export function dayIn(days: number, now: number): string {
  return new Date(now + days * 864e5).toISOString().slice(0, 10);
}
