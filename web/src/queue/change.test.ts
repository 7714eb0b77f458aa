import { expect, test } from 'vitest';
import { changeOf, lacking, levels, saidOf, statuses, verdicts } from './change';

test('a verdict needs no comment, a severity does', () => {
  expect(lacking('verdict', { comment: '' })).toBe('Choose one first.');
  expect(lacking('verdict', { chosen: 'true_positive', comment: '' })).toBeUndefined();
  expect(lacking('severity', { chosen: 'low', comment: ' ' })).toMatch(/why/);
  expect(lacking('note', { comment: '\n' })).toMatch(/note/);
});

test('what is asked of the server', () => {
  expect(changeOf('verdict', { chosen: 'false_positive', reason: 'wrong data', comment: ' x ' })).toEqual({
    verdict: 'false_positive',
    reason: 'wrong data',
    comment: 'x',
  });
  expect(changeOf('severity', { chosen: 'low', comment: 'a lab' })).toEqual({
    severity: 'low',
    severity_reason: 'a lab',
  });
  expect(changeOf('assignee', { comment: '' })).toEqual({ assignee: '' });
});

test('each choice has a key of its own', () => {
  for (const all of [verdicts, statuses, levels]) expect(new Set(all.map((o) => o.key)).size).toBe(all.length);
});

test('what was decided, in a line', () => {
  expect(saidOf({ verdict: 'benign_true_positive' }, 1000)).toBe('Verdict: benign true positive · 1,000 findings');
  expect(saidOf({ assignee: '' }, 1)).toBe('Assignment taken back');
});
