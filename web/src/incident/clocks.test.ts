import { expect, test } from 'vitest';
import { clock } from './clocks';

test('a clock runs until its end is known', () => {
  const now = Date.parse('2026-01-01T00:10:00Z');
  expect(clock('2026-01-01T00:00:00Z', undefined, now)).toEqual({ seconds: 600, runs: true });
  expect(clock('2026-01-01T00:00:00Z', '0001-01-01T00:00:00Z', now)).toEqual({ seconds: 600, runs: true });
  expect(clock('2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z', now)).toEqual({ seconds: 60, runs: false });
  expect(clock(undefined, undefined, now)).toBeUndefined();
});
