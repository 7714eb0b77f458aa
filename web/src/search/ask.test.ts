import { expect, test } from 'vitest';
import { eventQuestion, type Found, filled, listSQL, mention, narrow, record, stepFor } from './ask';

test('a value cannot leave its quotes', () => {
  expect(mention("o'neil' OR 1=1 --")).toContain("principal = 'o''neil'' OR 1=1 --'");
  expect(mention('100%_a')).toContain("LIKE '%100\\%\\_a%'");
});

test('a comment in a condition does not eat the bracket', () => {
  expect(listSQL("region = 'x' -- why")).toContain('-- why\n)');
});

test('narrowing keeps what was asked before', () => {
  expect(narrow('', 'account', '1')).toBe("account = '1'");
  expect(narrow('true', 'src_ip', null)).toBe('src_ip IS NULL');
  expect(narrow("a = '1' OR b = '2'", 'c', '3')).toBe("(a = '1' OR b = '2'\n) AND c = '3'");
  expect(narrow("a = '1'", 'c', '3', true)).toBe("a = '1' AND c IS DISTINCT FROM '3'");
});

test('bars are as wide as one can see', () => {
  expect(stepFor(60 * 60_000)).toBe(60_000);
  expect(stepFor(24 * 60 * 60_000)).toBe(60 * 60_000);
  expect((365 * 864e5) / stepFor(365 * 864e5)).toBeLessThanOrEqual(80);
  expect((3650 * 864e5) / stepFor(3650 * 864e5)).toBeLessThanOrEqual(80);
});

test('a record without what is empty', () => {
  const f = {
    columns: ['a', 'raw_data', 'b'],
    rows: [[null, '{"x":1}', { c: null, d: [1, null] }]],
  } as unknown as Found;
  expect(record(f)).toEqual({ raw: '{"x":1}', ocsf: { b: { d: [1, null] } } });
  expect(record({ ...f, rows: [] })).toBeUndefined();
  expect(filled({ a: { b: { c: null } } })).toEqual({});
});

test('the time of an event narrows what is read', () => {
  expect(eventQuestion('x', '2026-01-01T00:01:00Z')).toMatchObject({
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-01T00:02:00.000Z',
  });
  expect(eventQuestion('x')).not.toHaveProperty('from');
});
