/** Hour is what happened in one hour, of the records and of what was concluded from them. */
export interface Hour {
  /** start of the hour, Unix milliseconds */
  at: number;
  events: number;
  failed: number;
  /** alerts that began in it, the most severe first */
  alerts: string[];
}

export const hour = 3_600_000;

const order = ['critical', 'high', 'medium', 'low', 'informational'];

interface Found {
  first_seen: string;
  severity: string;
}

/**
 * hours are the 24 hours until now, the running one last, also those in which nothing happened. counted are rows of start, events and
 * failed; what lies outside of the day is left out.
 */
export function hours(now: number, counted: unknown[][], alerts: Found[]): Hour[] {
  const last = Math.floor(now / hour) * hour;
  const day = Array.from(
    { length: 24 },
    (_, i): Hour => ({ at: last - (23 - i) * hour, events: 0, failed: 0, alerts: [] }),
  );
  const place = (at: number) => day[Math.floor((at - (last - 23 * hour)) / hour)];
  for (const [at, events, failed] of counted) {
    const h = place(Number(at));
    if (!h) continue;
    h.events += Number(events);
    h.failed += Number(failed);
  }
  for (const a of alerts) place(Date.parse(a.first_seen))?.alerts.push(a.severity);
  for (const h of day) h.alerts.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return day;
}

/** says is an hour in a sentence, for who points at it or listens. */
export function says(h: Hour): string {
  const clock = (at: number) => new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  const n = h.alerts.length;
  const found = n === 0 ? '' : `, ${n} ${n === 1 ? 'alert' : 'alerts'} (${h.alerts[0]})`;
  return `${clock(h.at)} to ${clock(h.at + hour)}: ${h.events.toLocaleString('en')} events, ${h.failed.toLocaleString('en')} failed${found}`;
}
