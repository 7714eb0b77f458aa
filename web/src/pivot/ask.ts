import type { Schemas } from '../api/client';

export type Sighting = Schemas['HuntSighting'];

export const depths = ['columns', 'records'] as const;
export type Depth = (typeof depths)[number];

const spans: Readonly<Record<string, number>> = { '24h': 864e5, '7d': 6048e5, '30d': 2592e6, '90d': 7776e6 };

interface Words {
  value?: string;
  from?: string;
  to?: string;
  deep?: string;
  own?: string;
}

/** question is what the address asks for; a span as 7d begins before now, in milliseconds. */
export function question(w: Words, now: number): Schemas['PivotQuestion'] {
  const back = spans[w.from ?? ''];
  const deep = depths.find((d) => d === w.deep);
  return {
    value: w.value ?? '',
    ...(w.from && { from: back ? new Date(now - back).toISOString() : w.from }),
    ...(w.to && { to: w.to }),
    ...(deep && { depth: deep }),
    ...(w.own === '1' && { own: true }),
  };
}

/** idOf tells sightings apart: an event may be seen in two accounts, an alert is one. */
export function idOf(s: Sighting): string {
  return s.alert ? `alert ${s.alert.uid}` : `${s.account ?? ''} ${s.event_uid ?? ''}`;
}

/** byDay are sightings counted by day (UTC), each day between the first and the last with its own, at most so many days. */
export function byDay(list: readonly Sighting[], most = 366): { name: string; value: number }[] {
  const days = new Map<string, number>();
  for (const s of list) days.set(s.time.slice(0, 10), (days.get(s.time.slice(0, 10)) ?? 0) + 1);
  const known = [...days.keys()].sort();
  const first = Date.parse(known[0] ?? '');
  const last = Date.parse(known.at(-1) ?? '');
  if (Number.isNaN(first) || (last - first) / 864e5 >= most)
    return known.map((name) => ({ name, value: days.get(name) ?? 0 }));
  const out = [];
  for (let t = first; t <= last; t += 864e5) {
    const name = new Date(t).toISOString().slice(0, 10);
    out.push({ name, value: days.get(name) ?? 0 });
  }
  return out;
}
