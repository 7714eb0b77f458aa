import { expect, test } from 'vitest';
import { idOf, overTime, question, type Sighting } from './ask';

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

test('what lies between is counted as none, by the finest unit that fits', () => {
  expect(
    overTime([seen('2026-03-01T10:00:00Z', 'a'), seen('2026-03-13T11:00:00Z', 'c'), seen('2026-03-13T10:00:00Z', 'b')])
      .bars,
  ).toEqual([
    { name: '2026-03-01', value: 1 },
    ...['02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12'].map((d) => ({
      name: `2026-03-${d}`,
      value: 0,
    })),
    { name: '2026-03-13', value: 2 },
  ]);
  expect(overTime([seen('2026-03-01T10:59:59Z', 'a'), seen('2026-03-01T11:01:00Z', 'b')])).toEqual({
    unit: 'minute',
    bars: [
      { name: '2026-03-01 10:59', value: 1 },
      { name: '2026-03-01 11:00', value: 0 },
      { name: '2026-03-01 11:01', value: 1 },
    ],
  });
  expect(overTime([seen('2026-03-01T10:59:59Z', 'a'), seen('2026-03-02T11:01:00Z', 'b')]).bars[0]).toEqual({
    name: '2026-03-01 10:00',
    value: 1,
  });
  expect(overTime([]).bars).toEqual([]);
  expect(overTime([seen('nonsense', 'a')]).bars).toEqual([]);
  expect(overTime([seen('1971-01-01T00:00:00Z', 'a'), seen('2026-01-01T00:00:00Z', 'b')]).bars).toHaveLength(2);
});

test('an event of two accounts is two sightings', () => {
  expect(idOf(seen('2026-03-01T10:00:00Z', 'a'))).not.toBe(
    idOf({ ...seen('2026-03-01T10:00:00Z', 'a'), account: '2' }),
  );
});
