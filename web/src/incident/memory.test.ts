import { expect, test } from 'vitest';
import type { Schemas } from '../api/client';
import { lasting } from './memory';

const deed = (id: string, did: string, other: string, undone = false) =>
  ({ id, regrouped: { did, other }, undone }) as Schemas['Activity'];

test('what was taken back, and what was decided anew, is not what lasts', () => {
  const list = [
    deed('1', 'took in', 'k'),
    deed('2', 'took out', 's', true),
    deed('3', 'took out', 'k'),
    deed('4', 'took in', 'l'),
  ];
  expect(lasting([...list, { id: '5', kind: 'note' } as Schemas['Activity']]).map((a) => a.id)).toEqual(['3', '4']);
  expect(lasting(null)).toEqual([]);
});
