import type { Card, Case } from './asks';

/** cards are all events that an incident's document holds, in time order, each once. */
export function cards(c: Pick<Case, 'alerts' | 'signals'>): Card[] {
  const all = new Map<string, Card>();
  const signals = [...(c.alerts ?? []).flatMap((a) => a.signals ?? []), ...(c.signals ?? [])];
  for (const s of signals) for (const card of [s.event, ...(s.related ?? [])]) all.set(card.uid, card);
  return [...all.values()].sort((a, b) => a.time.localeCompare(b.time));
}

/** Lane is what one actor, or one network address, did over time. */
export interface Lane {
  name: string;
  points: readonly Card[];
}

export type LaneBy = 'origin' | 'src_ip' | 'account' | 'service';

/** lanes sorts events into lanes, the one that began first on top. */
export function lanes(all: readonly Card[], by: LaneBy): Lane[] {
  const out = new Map<string, Card[]>();
  for (const c of all) {
    const name = (by === 'origin' ? c.origin.name || c.origin.id : c[by]) || 'not known';
    const points = out.get(name);
    if (points) points.push(c);
    else out.set(name, [c]);
  }
  return [...out].map(([name, points]) => ({ name, points }));
}

/** along says where a time stands between two others, from 0 to 1. */
export function along(at: string, first: string, last: string): number {
  const [t, a, b] = [at, first, last].map((x) => Date.parse(x)) as [number, number, number];
  return b > a ? Math.min(1, Math.max(0, (t - a) / (b - a))) : 0.5;
}
