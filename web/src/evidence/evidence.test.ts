import { expect, test } from 'vitest';
import { deedsFor, fileName } from './deeds';

const at = '2026-03-07T14:42:00Z';
const never = '0001-01-01T00:00:00Z';

test.each([
  ['a viewer', {}, ['read'], []],
  ['an analyst', { held_at: never }, ['read', 'triage'], ['verify', 'zip', 'html', 'hold']],
  ['an analyst, of what is held', { held_at: at }, ['read', 'triage'], ['verify', 'zip', 'html']],
  ['an admin', {}, ['triage', 'govern'], ['verify', 'zip', 'html', 'hold', 'delete']],
  ['an admin, of what is held', { held_at: at }, ['triage', 'govern'], ['verify', 'zip', 'html', 'release']],
  ['an admin, of what was deleted', { held_at: at, deleted_at: at }, ['triage', 'govern'], []],
])('%s may', (_, set, rights, want) => {
  expect(deedsFor(set, rights)).toEqual(want);
});

test('a file is saved by a harmless name', () => {
  expect(fileName('attachment; filename="evidence-r7sq.zip"', 'x')).toBe('evidence-r7sq.zip');
  expect(fileName('attachment; filename="../../.bashrc\u202E"', 'x')).toBe('_.._.bashrc_');
  expect(fileName('attachment; filename="...."', 'evidence.zip')).toBe('evidence.zip');
  expect(fileName(null, 'evidence.html')).toBe('evidence.html');
});
