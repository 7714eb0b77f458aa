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

const units = [
  { name: 'minute', ms: 6e4, digits: 16 },
  { name: 'hour', ms: 36e5, digits: 13 },
  { name: 'day', ms: 864e5, digits: 10 },
] as const;

/** overTime counts sightings by minute, hour or day (UTC): the finest of them that makes no more than so many bars, each with its own between the first and the last. */
export function overTime(list: readonly Sighting[], most = 120) {
  const times = list.map((s) => Date.parse(s.time)).filter((t) => !Number.isNaN(t));
  const first = Math.min(...times);
  const last = Math.max(...times);
  const unit = units.find((u) => (last - first) / u.ms < most) ?? units[2];
  const bars = new Map<string, number>();
  const named = (t: number) => {
    const name = new Date(t).toISOString().slice(0, unit.digits).replace('T', ' ');
    return unit.name === 'hour' ? `${name}:00` : name;
  };
  if ((last - first) / unit.ms < 1000)
    // over more than that, only those that have any
    for (let t = Math.floor(first / unit.ms) * unit.ms; t <= last; t += unit.ms) bars.set(named(t), 0);
  for (const t of times.sort((a, b) => a - b)) bars.set(named(t), (bars.get(named(t)) ?? 0) + 1);
  return { unit: unit.name, bars: [...bars].map(([name, value]) => ({ name, value })) };
}
