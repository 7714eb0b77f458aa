import { expect, test } from 'vitest';
import { says, standing, tactics } from './standing';

const technique = {
  tactic: 'stealth',
  technique: 'T1070',
  rules: ['a'],
  seeing: 1,
  best_level: 'high',
  alerts_30_days: 0,
};

test('one is one, and some are some', () => {
  expect(says({ ...technique, alerts_30_days: 1 })).toBe('1 rule · 1 alert');
  expect(says({ ...technique, rules: ['a', 'b'], alerts_30_days: 1200 })).toBe('2 rules · 1,200 alerts');
  expect(says({ ...technique, seeing: 0 })).toBe('1 rule · no data');
  expect(standing({ ...technique, seeing: 0, alerts_30_days: 1 })).toBe('fired');
});

test('columns stand in the order of the list', () => {
  expect(
    tactics([
      { ...technique, tactic: 'initial-access', tactic_name: 'Initial Access' },
      technique,
      { ...technique, technique: 'T1078' },
    ]).map((c) => `${c.name} ${c.techniques.length}`),
  ).toEqual(['Initial Access 1', 'stealth 2']);
});
