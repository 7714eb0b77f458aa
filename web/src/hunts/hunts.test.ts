import { expect, test } from 'vitest';
import { asked, inSearch, nameOf, toKeep, toRule } from './hunt';

test.each([
  ['Use of root', 'use-of-root'],
  ['  Zürich: é & co!  ', 'zurich-e-co'],
  ['../../etc/passwd', 'etc-passwd'],
  ['漢字', ''],
  [`${'a'.repeat(63)} b`, 'a'.repeat(63)],
])('%s is kept as %s', (title, name) => {
  expect(nameOf(title)).toBe(name);
});

test('a query says its language, and where it can be asked', () => {
  expect(asked({ filter: 'true' })).toEqual({ language: 'filter', text: 'true' });
  expect(asked({ sql: 'SELECT 1' })).toEqual({ language: 'SQL', text: 'SELECT 1' });
  expect(inSearch({ sql: 'SELECT 1' })).toEqual({ sql: 'SELECT 1' });
  expect(inSearch({ sigma: 'title: x' })).toBeUndefined();
});

test('a search begins a hunt with what it asked', () => {
  expect(toKeep({ filter: "origin = 'a'", from: '7d' })).toEqual({ make: '1', filter: "origin = 'a'", span: '7d' });
  expect(toKeep({ sql: 'SELECT 1', filter: 'x', from: '2026-01-01T00:00:00Z' })).toEqual({
    make: '1',
    sql: 'SELECT 1',
  });
  expect(toKeep({})).toEqual({ make: '1', filter: 'true' });
});

test('a rule begins with the filter as Sigma, or as it is', () => {
  expect(toRule({ filter: "operation = 'x'", whole: 'w', from: '7d' })).toMatchObject({
    make: '1',
    draft: '1',
    span: '7d',
  });
  expect(toRule({ filter: "operation = 'x'", whole: 'w' }).sigma).toContain('eventName|cased: "x"');
  expect(toRule({ filter: "operation = 'x'", whole: 'w' })).not.toHaveProperty('filter');
  expect(toRule({ filter: "resource > 'x'", whole: 'w' })).toEqual({ make: '1', filter: 'w', draft: '1' });
  expect(toRule({ whole: 'true', sql: 'SELECT 1' })).toEqual({ make: '1', sql: 'SELECT 1', draft: '1' });
});
