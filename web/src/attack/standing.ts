import type { Schemas } from '../api/client';
import { count, plain } from '../ui/format';

type Technique = Schemas['Technique'];

/** standing says how well a technique is covered: it fired lately, a rule sees its logs, or there is only a rule. */
export function standing(t: Technique): 'fired' | 'sees' | 'blind' {
  if (t.alerts_30_days > 0) return 'fired';
  return t.seeing > 0 ? 'sees' : 'blind';
}

const some = (n: number, what: string) => `${count(n)} ${what}${n === 1 ? '' : 's'}`;

/** says is how a technique stands, in words. */
export function says(t: Technique): string {
  const rules = some(t.rules?.length ?? 0, 'rule');
  if (t.alerts_30_days > 0) return `${rules} · ${some(t.alerts_30_days, 'alert')}`;
  return t.seeing > 0 ? rules : `${rules} · no data`;
}

/** tactics are the columns of the matrix, in the order of ATT&CK, which is that of the list. */
export function tactics(list: readonly Technique[]): { tactic: string; name: string; techniques: Technique[] }[] {
  const out = new Map<string, { tactic: string; name: string; techniques: Technique[] }>();
  for (const t of list) {
    const column = out.get(t.tactic) ?? { tactic: t.tactic, name: t.tactic_name || plain(t.tactic), techniques: [] };
    column.techniques.push(t);
    out.set(t.tactic, column);
  }
  return [...out.values()];
}
