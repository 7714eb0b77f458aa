import { expect, test } from 'vitest';
import type { Card, Case } from './asks';
import { along, cards, lanes } from './cards';

const card = (uid: string, time: string, name: string) =>
  ({ uid, time, src_ip: '', origin: { type: 'user', id: `arn:${name}`, name } }) as Card;
const b = card('b', '2026-01-01T00:00:02Z', 'bob');
const a = card('a', '2026-01-01T00:00:01Z', 'ann');

test('each event once, in time order, related ones too', () => {
  const doc = { alerts: [{ signals: [{ event: b, related: [a] }] }], signals: [{ event: a }] } as unknown as Case;
  expect(cards(doc).map((c) => c.uid)).toEqual(['a', 'b']);
  expect(cards({ alerts: null, signals: null })).toEqual([]);
});

test('a lane for each actor, and one for what nobody knows', () => {
  expect(lanes([a, b], 'origin').map((l) => l.name)).toEqual(['ann', 'bob']);
  expect(lanes([a, b], 'src_ip')).toEqual([{ name: 'not known', points: [a, b] }]);
});

test('one moment stands in the middle', () => {
  expect(along(a.time, a.time, a.time)).toBe(0.5);
  expect(along(a.time, a.time, b.time)).toBe(0);
  expect(along('2027-01-01T00:00:00Z', a.time, b.time)).toBe(1);
});
