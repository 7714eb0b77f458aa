import { expect, test } from 'vitest';
import { visible } from './visible';

test.each([
  ['plain é 漢', 'plain é 漢'],
  ['a\u202Eb', 'a\\u{202e}b'],
  ['a\u2066b\u2069', 'a\\u{2066}b\\u{2069}'],
  ['zero\u200Bwidth', 'zero\\u{200b}width'],
  ['\u001b[31mred', '\\u{1b}[31mred'],
  ['a\nb', 'a\\u{a}b'],
  ['\u{E0041}', '\\u{e0041}'],
])('%j is shown as %s', (text, want) => {
  expect(visible(text)).toBe(want);
});

test('lines stay where they are wanted', () => {
  expect(visible('a\n\tb\r', true)).toBe('a\n\tb\\u{d}');
});
