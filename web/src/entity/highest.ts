import type { Schemas } from '../api/client';

type Row = Pick<Schemas['AlertRow'], 'origin' | 'score' | 'last_seen' | 'verdict'>;

const day = 86_400_000;

/** Risky is an entity with the risk that its alerts of the last seven days add up to. */
export interface Risky {
  origin: string;
  points: number;
  alerts: number;
}

/** highest ranks who is behind alerts of the last seven days, by what is left of their scores: half after a week; a false positive adds nothing. */
export function highest(rows: readonly Row[], now: number, most = 10): Risky[] {
  const by = new Map<string, Risky>();
  for (const r of rows) {
    const age = Math.max(0, now - Date.parse(r.last_seen));
    if (!r.origin || age > 7 * day || r.verdict === 'false_positive') continue;
    const e = by.get(r.origin) ?? { origin: r.origin, points: 0, alerts: 0 };
    by.set(r.origin, { ...e, points: e.points + r.score * 0.5 ** (age / (7 * day)), alerts: e.alerts + 1 });
  }
  return [...by.values()].sort((a, b) => b.points - a.points || a.origin.localeCompare(b.origin)).slice(0, most);
}
