import { describe, expect, test } from 'vitest';
import { passed } from './bench';
import { alike, lines, range, ranges, spread, told } from './differs';

const how = (was: string, is: string) => lines(was, is).map((l) => `${l.how[0]}${l.text}`);

describe('lines', () => {
  test('says what was changed', () => {
    expect(how('a\nb\nc\n', 'a\nx\nc\n')).toEqual(['sa', 'rb', 'ax', 'sc']);
    expect(how('a\n', 'a\nb\n')).toEqual(['sa', 'ab']);
    expect(how('a\nb', 'b')).toEqual(['ra', 'sb']);
    expect(how('same\n', 'same')).toEqual(['ssame']);
  });
  test('takes a very long text as changed', () => {
    const long = 'x\n'.repeat(3000);
    expect(lines(long, long).every((l) => l.how !== 'same')).toBe(true);
  });
});

test('what stayed is left out, but for what stands beside a change', () => {
  const was = 'a\nb\nc\nd\ne\nf\ng\nh';
  const shown = alike(lines(was, was.replace('h', 'H')));
  expect(shown.map((l) => l.text)).toEqual(['⋯', 'f', 'g', 'h', 'H']);
  expect(alike(lines('a\nb\nc', 'a\nb\nc')).map((l) => l.how)).toEqual(['left out']);
});

const trial = {
  edited: true,
  before: 3,
  after: 2,
  gained: 0,
  lost: 1,
  changed: 0,
  events: 9,
  days: [],
  shown: [],
  notes: [],
};
test('a trial is told in a sentence', () => {
  const t = { ...trial, from: '', to: '' };
  expect(told(t)).toBe('3 alerts now, 2 alerts changed: 0 gained, 1 lost, 0 otherwise.');
  expect(told({ ...t, edited: false, before: 1 })).toBe('It finds 1 alert.');
  expect(told({ ...t, edited: false, before: 0 })).toBe('It finds nothing in this time.');
  expect(told({ ...t, lost: 0, after: 3 })).toBe('The change finds the same: 3 alerts.');
});

test('a rule that fired long ago is tried up to then', () => {
  const now = Date.parse('2026-03-20T00:00:00Z');
  expect(ranges(undefined, now).map((r) => r.value)).toEqual(['7', '1', '30']);
  expect(ranges('0001-01-01T00:00:00Z', now).map((r) => r.value)).toEqual(['7', '1', '30']);
  expect(ranges('2026-03-19T00:00:00Z', now).map((r) => r.value)).toEqual(['7', '1', '30', 'last']);
  expect(ranges('2026-03-02T00:00:00Z', now)[0]?.value).toBe('last');
  expect(range('last', '2026-03-09T12:00:00Z', now)).toEqual({
    from: '2026-03-02T13:00:00.000Z',
    to: '2026-03-09T13:00:00.000Z',
  });
  expect(range('1', undefined, now)).toEqual({ from: '2026-03-19T00:00:00.000Z', to: '2026-03-20T00:00:00.000Z' });
});

test('every day of a range has a place', () => {
  const days = spread([{ day: '2026-03-02', before: 2, after: 1 }], '2026-03-01T10:00:00Z', '2026-03-04T09:00:00Z');
  expect(days.map((d) => d.before)).toEqual([0, 2, 0, 0]);
});

test('tests are summed up', () => {
  const t = (fires: boolean, ok: boolean) => ({ name: '', fires, passed: ok, said: [], records: [], events: 1 });
  expect(passed([t(true, true), t(false, true)])).toBe('All 2 pass: 1 on which it must fire, 1 on which it must not.');
  expect(passed([t(true, true), t(false, false)])).toContain('1 of 2 pass');
});
