import { expect, test } from 'vitest';
import { meant } from './keys';

const keys = { j: () => {}, 'g q': () => {}, q: () => {} };

test('a pair wins over its second stroke', () => {
  expect(meant(keys, 'g', 'q')).toBe('g q');
  expect(meant(keys, '', 'q')).toBe('q');
  expect(meant(keys, 'x', 'j')).toBe('j');
  expect(meant(keys, '', 'g')).toBeUndefined();
  expect(meant(keys, 'g', 'j')).toBeUndefined(); // the pair of another table
});

test('what follows g goes to a page, and is no key of the page that one leaves', () => {
  expect(meant(keys, 'g', 'j')).toBeUndefined();
  expect(meant({ 'g j': () => {} }, 'g', 'j')).toBe('g j');
});
