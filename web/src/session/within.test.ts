import { expect, test } from 'vitest';
import { within } from './within';

test.each([
  ['/incidents?x=1', '/incidents?x=1'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['https://evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['javascript:alert(1)', '/'],
  [null, '/'],
])('%s leads to %s', (to, want) => expect(within(to)).toBe(want));
