import type { Schemas } from '../api/client';

export type Change = Schemas['Change'];
export type Verdict = NonNullable<Change['verdict']>;
export type Status = NonNullable<Change['status']>;
export type Level = NonNullable<Change['severity']>;
export type Kind = 'incidents' | 'alerts';

/** Step is what the dialog of a decision asks now. */
export type Step = 'verdict' | 'status' | 'severity' | 'assignee' | 'note';

/** Option is a choice of a step, with the key that makes it. */
export interface Option<T extends string = string> {
  key: string;
  value: T;
  says: string;
}

export const verdicts: readonly Option<Verdict>[] = [
  { key: 't', value: 'true_positive', says: 'True positive: it is what it says, and it is bad' },
  { key: 'b', value: 'benign_true_positive', says: 'Benign true positive: it is what it says, and it was meant to be' },
  { key: 'f', value: 'false_positive', says: 'False positive: it is not what it says' },
];

export const statuses: readonly Option<Status>[] = [
  { key: 'n', value: 'new', says: 'New' },
  { key: 'i', value: 'in_progress', says: 'In progress' },
  { key: 'h', value: 'on_hold', says: 'On hold' },
  { key: 'r', value: 'resolved', says: 'Resolved' },
  { key: 'c', value: 'closed', says: 'Closed' },
];

export const levels: readonly Option<Level>[] = [
  { key: 'c', value: 'critical', says: 'Critical' },
  { key: 'h', value: 'high', says: 'High' },
  { key: 'm', value: 'medium', says: 'Medium' },
  { key: 'l', value: 'low', says: 'Low' },
  { key: 'i', value: 'informational', says: 'Informational' },
];

/** Draft is a decision in the making. */
export interface Draft {
  chosen?: string;
  reason?: string;
  comment: string;
}

/** lacking says what keeps a draft from being decided; undefined where nothing does. */
export function lacking(step: Step, d: Draft): string | undefined {
  if (step === 'note') return d.comment.trim() ? undefined : 'Write the note first.';
  if (step !== 'assignee' && !d.chosen) return 'Choose one first.';
  if (step === 'severity' && !d.comment.trim()) return 'Say why: the next one who looks will ask.';
  return undefined;
}

/** changeOf is what a draft asks of the server. */
export function changeOf(step: Step, d: Draft): Change {
  const comment = d.comment.trim();
  switch (step) {
    case 'verdict':
      return {
        verdict: d.chosen as Verdict,
        ...(d.reason ? { reason: d.reason } : {}),
        ...(comment ? { comment } : {}),
      };
    case 'status':
      return { status: d.chosen as Status, ...(comment ? { comment } : {}) };
    case 'severity':
      return { severity: d.chosen as Level, severity_reason: comment.slice(0, 200) };
    case 'assignee':
      return { assignee: d.chosen ?? '' };
    case 'note':
      return { comment };
  }
}

/** saidOf says in one line what was decided about how many. */
export function saidOf(c: Change, n: number): string {
  const of = n === 1 ? '' : ` · ${n.toLocaleString('en')} findings`;
  if (c.verdict) return `Verdict: ${c.verdict.replaceAll('_', ' ')}${of}`;
  if (c.status) return `Status: ${c.status.replaceAll('_', ' ')}${of}`;
  if (c.severity) return `Severity: ${c.severity}${of}`;
  if (c.assignee !== undefined) return c.assignee ? `Assigned to ${c.assignee}${of}` : `Assignment taken back${of}`;
  return `Note added${of}`;
}
