import { expect, test } from 'vitest';
import { given, narrowing, same, saved } from './views';

const keeps = (text: string | null) => ({ getItem: () => text });

test('views that were broken by hand are none', () => {
  expect(saved('alerts', keeps('{"a":1}'))).toEqual([]);
  expect(saved('alerts', keeps('nonsense'))).toEqual([]);
  expect(saved('alerts', keeps(null))).toEqual([]);
  expect(saved('alerts', keeps('[null,{"name":"x","narrowed":{"q":"a","evil":"b"}}]'))).toEqual([
    { name: 'x', narrowed: { q: 'a' } },
  ]);
});

test('the same narrowing, whatever is empty', () => {
  expect(same({ q: '' }, {})).toBe(true);
  expect(same({ q: 'a' }, narrowing({ q: 'a' }))).toBe(true);
  expect(same({ q: 'a' }, { q: 'b' })).toBe(false);
});

test('whoever is no person has nothing of their own', () => {
  expect(given(undefined).map((v) => v.name)).not.toContain('Mine');
});
