import { expect, test } from 'vitest';
import { matching, places } from './places';

test('letters find a place in their order', () => {
  expect(matching(places, 'dl').map((p) => p.title)).toEqual(['Dead letters']);
  expect(matching(places, 'xyz')).toEqual([]);
  expect(matching(places, '')).toHaveLength(places.length);
});

test('the site map, and a key of its own for each place', () => {
  expect(places.map((p) => p.to)).toMatchInlineSnapshot(`
    [
      "/",
      "/incidents",
      "/alerts",
      "/search",
      "/entity",
      "/pivot",
      "/hunts",
      "/rules",
      "/attack",
      "/coverage",
      "/intelligence",
      "/sources",
      "/dead-letters",
      "/ledger",
      "/audit",
      "/settings",
    ]
  `);
  expect(new Set(places.map((p) => p.key)).size).toBe(places.length);
});
