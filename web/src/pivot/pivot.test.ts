import { expect, test } from 'vitest';
import { byDay, idOf, question, type Sighting } from './ask';

const now = Date.parse('2026-03-08T00:00:00Z');

test('the address becomes a question', () => {
  expect(question({ value: 'a' }, now)).toEqual({ value: 'a' });
  expect(question({ value: 'a', from: '7d', deep: 'records' }, now)).toEqual({
    value: 'a',
    from: '2026-03-01T00:00:00.000Z',
    depth: 'records',
  });
  expect(
    question({ value: 'a', from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', deep: 'nonsense' }, now),
  ).toEqual({
    value: 'a',
    from: '2026-01-01T00:00:00Z',
    to: '2026-02-01T00:00:00Z',
  });
});

const seen = (time: string, event_uid: string): Sighting => ({ time, event_uid, account: '1', as: ['src_ip'] });

test('days between are counted as none', () => {
  expect(
    byDay([seen('2026-03-01T10:00:00Z', 'a'), seen('2026-03-03T10:00:00Z', 'b'), seen('2026-03-03T11:00:00Z', 'c')]),
  ).toEqual([
    { name: '2026-03-01', value: 1 },
    { name: '2026-03-02', value: 0 },
    { name: '2026-03-03', value: 2 },
  ]);
  expect(byDay([])).toEqual([]);
  expect(byDay([seen('1971-01-01T00:00:00Z', 'a'), seen('2026-01-01T00:00:00Z', 'b')])).toHaveLength(2);
});

test('an event of two accounts is two sightings', () => {
  expect(idOf(seen('2026-03-01T10:00:00Z', 'a'))).not.toBe(
    idOf({ ...seen('2026-03-01T10:00:00Z', 'a'), account: '2' }),
  );
});
