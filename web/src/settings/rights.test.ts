import { expect, test } from 'vitest';
import { accountsOf, allOr, roleChoices } from './rights';

test('what is typed as accounts', () => {
  expect(accountsOf(' 111111111111, 222222222222\n')).toEqual(['111111111111', '222222222222']);
  expect(accountsOf(' ')).toEqual(['*']);
  expect(accountsOf(null)).toEqual(['*']);
  expect(allOr(['1', '*'])).toBe('all');
  expect(allOr(['1', '2'])).toBe('1, 2');
  expect(roleChoices.map((r) => r.value)).toEqual(['viewer', 'analyst', 'responder', 'engineer', 'admin']);
});
