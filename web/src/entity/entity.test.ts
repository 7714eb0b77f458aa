import { expect, test } from 'vitest';
import { entityIn, entityOf, entityOn, hourOf } from './kinds';
import { type Edge, layout, type Node, path } from './layout';
import { asText } from './sql';

test.each([
  ['person', 'person:a@b', 'origin'],
  ['user', 'person:a@b', 'origin'],
  ['user', 'arn:aws:iam::1:user/a', 'user'],
  ['address', '192.0.2.1', 'ip'],
  ['external_account', '905418330271', 'account'],
  ['detector', '24b1', 'resource'],
])('a finding’s %s %s is of the kind %s', (type, value, kind) => {
  expect(entityOf(type, value)).toEqual({ kind, value });
});

test('what names nobody has no page', () => {
  expect(entityOf('ip', '')).toBeUndefined();
  expect(entityIn('operation', 'CreateUser')).toBeUndefined();
  expect(entityIn('src_ip', null)).toBeUndefined();
  expect(entityIn('src_ip', '192.0.2.1')).toEqual({ kind: 'ip', value: '192.0.2.1' });
  expect(entityOn('apis', 'iam.amazonaws.com:CreateUser')).toBeUndefined();
  expect(entityOn('networks', '9009')).toEqual({ kind: 'asn', value: '9009' });
});

test('hours of the week are said in words', () => {
  expect([hourOf('0'), hourOf('134'), hourOf('167'), hourOf('200'), hourOf('x')]).toEqual([
    'Mon 00:00',
    'Sat 14:00',
    'Sun 23:00',
    '200',
    'x',
  ]);
});

test('a value with line ends stays in its comment', () => {
  expect(asText({ sql: "SELECT '$1' WHERE a = $1 OR b = $2 OR c = $3", args: ["x'\n; DROP", '$1'] })).toBe(
    "SELECT '$1' WHERE a = 'x''\n; DROP' OR b = '$1' OR c = $3",
  );
});

const node = (id: string, step: number): Node => ({
  id,
  step,
  kind: id.split(':')[0] ?? '',
  value: id,
  events: 1,
  others: 0,
  first_seen: '2026-01-01T00:00:00Z',
  last_seen: '2026-01-01T00:00:00Z',
});
const edge = (from: string, to: string): Edge => ({
  from,
  to,
  tie: 'uses',
  events: 1,
  denied: 0,
  others: 0,
  first_seen: '2026-01-01T00:00:00Z',
  last_seen: '2026-01-01T00:00:00Z',
});

test('nodes stand in the column of their step, each on a line of its own, near what they are tied to', () => {
  const g = {
    nodes: [node('r:0', 0), node('a:1', 1), node('b:1', 1), node('x:2', 2), node('y:2', 2)],
    edges: [edge('r:0', 'a:1'), edge('r:0', 'b:1'), edge('a:1', 'y:2'), edge('b:1', 'x:2'), edge('gone', 'x:2')],
  };
  const p = layout(g);
  const at = new Map(p.nodes.map((n) => [n.id, n]));
  expect(new Set(p.nodes.map((n) => `${n.x} ${n.y}`)).size).toBe(5);
  expect(at.get('a:1')?.x).toBe(at.get('b:1')?.x);
  // y hangs on a, which stands above b: no lines cross.
  expect(at.get('y:2')?.y).toBeLessThan(at.get('x:2')?.y ?? 0);
  expect(p.edges).toHaveLength(4);
  for (const n of p.nodes) expect(n.x < p.width && n.y < p.height).toBe(true);
});

test('nothing is laid out as nothing', () => {
  expect(layout({ nodes: null, edges: null })).toMatchObject({ nodes: [], edges: [] });
});

test('a tie within a column is a bow, not a line over names', () => {
  const [a, b] = layout({ nodes: [node('a:1', 1), node('b:1', 1)], edges: [] }).nodes;
  if (!a || !b) throw new Error('two nodes were placed');
  expect(path(a, b)).toContain('C276');
});
