import { expect, test } from 'vitest';
import { ago, bytes, known, span } from './format';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [150 * 1024, '150 KiB'],
  [3.25 * 1024 ** 3, '3.3 GiB'],
])('%d bytes are %s', (n, want) => expect(bytes(n)).toBe(want));

test.each([
  [-3, '0 s'],
  [59, '59 s'],
  [60, '1 min'],
  [3725, '1 h 2 min'],
  [90_000, '1 d 1 h'],
])('%d seconds are %s', (n, want) => expect(span(n)).toBe(want));

test('what is past, to come, or not known', () => {
  const now = Date.parse('2026-01-01T12:00:00Z');
  expect(ago('2026-01-01T11:57:30Z', now)).toBe('2 min ago');
  expect(ago('2026-01-01T13:00:00Z', now)).toBe('in 1 h');
  expect(known('0001-01-01T00:00:00Z')).toBe(false);
  expect(known(undefined)).toBe(false);
});
