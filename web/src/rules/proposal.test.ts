import { expect, test } from 'vitest';
import { dayIn, type Proposal, proofOf, provenHarmless, until } from './proposal';

const proof = {
  alerts: 40,
  asked: { sql: '', bytes: 0, files: 0, millis: 0 },
  by_origin: {},
  examples: null,
  from: '2026-01-01T00:00:00Z',
  to: '2026-03-01T00:00:00Z',
  hidden: 1200,
  lost: null,
  matches: 1500,
  saved: 30,
  saved_per_day: 0.508,
};
const proposal: Proposal = {
  id: 'a',
  rule_id: 'r',
  title: 't',
  sigma: '',
  fields: {},
  learned_from: 3,
  left: 1,
  true_positives: 2,
  proof,
};

test('a proof is told with its figures', () => {
  const said = proofOf(proposal).join(' ');
  expect(said).toContain('3 alerts judged false or benign; 1 such alert');
  expect(said).toContain('1,500 times; the filter hides 1,200 of them, and 30 of 40 alerts: 0.51 a day');
  expect(said).toContain('hides no event of a true positive');
  expect(provenHarmless(proposal)).toBe(true);
});

test.each([
  ['no proof', { ...proposal, proof: undefined }, 'no proof yet'],
  [
    'one that is not whole',
    { ...proposal, proof: { ...proof, partial: 'it was stopped' } },
    'not whole: it was stopped',
  ],
  ['one that hides harm', { ...proposal, proof: { ...proof, lost: ['event'] } }, '1 event of true positives'],
])('a proposal with %s is not to be accepted', (_, p, want) => {
  expect(proofOf(p).join(' ')).toContain(want);
  expect(provenHarmless(p)).toBe(false);
});

test('a filter ends after today and within a year', () => {
  const now = Date.parse('2026-03-08T12:00:00Z');
  expect(dayIn(90, now)).toBe('2026-06-06');
  expect(until('2026-06-06', now)).toEqual({ expires: '2026-06-06T23:59:59.000Z' });
  expect(until('2026-03-08', now)).toEqual({ expires: '2026-03-08T23:59:59.000Z' });
  expect(until('2026-03-07', now)).toEqual({ wrong: 'This day is past.' });
  expect(until('2027-04-01', now)).toEqual({ wrong: 'A filter stands for a year at most.' });
  expect(until('', now)).toEqual({ wrong: 'Say until when it stands.' });
});
