import { expect, test } from 'vitest';
import type { Schemas } from '../api/client';
import { highest } from './highest';
import { weekOf } from './week';

const now = Date.parse('2026-03-10T12:00:00Z');
const row = (origin: string, score: number, last_seen: string, verdict = '') => ({ origin, score, last_seen, verdict });

test('who stands highest', () => {
  const rows = [
    row('person:ann', 10, '2026-03-10T12:00:00Z'),
    row('person:bob', 30, '2026-03-03T12:00:00Z'), // a week old: half is left
    row('person:ann', 4, '2026-03-10T12:00:00Z'),
    row('person:cid', 99, '2026-03-10T12:00:00Z', 'false_positive'),
    row('person:dan', 99, '2026-03-03T11:00:00Z'),
    row('', 99, '2026-03-10T12:00:00Z'),
  ];
  expect(highest(rows, now)).toEqual([
    { origin: 'person:bob', points: 15, alerts: 1 },
    { origin: 'person:ann', points: 14, alerts: 2 },
  ]);
  expect(highest(rows, now, 1)).toHaveLength(1);
});

test('a week of hours', () => {
  const habit = (key: string, now: number, before: number, standing: string) =>
    ({ key, now, before, standing }) as Schemas['HuntHabit'];
  const week = weekOf([habit('0', 2, 8, 'usual'), habit('167', 1, 0, 'new'), habit('25', 0, 1, 'rare')]);
  expect(week.map((d) => d.length)).toEqual([24, 24, 24, 24, 24, 24, 24]);
  expect(week[0]?.[0]).toEqual({ now: 2, before: 8, strength: 4, fresh: false });
  expect(week[1]?.[1]).toEqual({ now: 0, before: 1, strength: 1, fresh: false });
  expect(week[6]?.[23]).toEqual({ now: 1, before: 0, strength: 0, fresh: true });
  expect(week[3]?.[3]?.strength).toBe(0);
});
