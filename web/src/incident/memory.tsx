import { Link } from '@tanstack/react-router';
import type { Schemas } from '../api/client';
import { count } from '../ui/format';
import { visible } from '../ui/visible';
import type { Case } from './asks';

type Deed = Schemas['Activity'];

/** lasting are the merges and splits of an activity that nobody took back, the newest of each other incident alone. */
export function lasting(list: readonly Deed[] | null): Deed[] {
  const last = new Map<string, Deed>();
  for (const a of list ?? []) if (a.regrouped && !a.undone) last.set(a.regrouped.other, a);
  return [...last.values()];
}

/** Memory says in sentences what people decided about which alerts belong here, and what that means for those to come. */
export function Memory({ incident: c }: { incident: Case }) {
  const all = lasting(c.decision.activity);
  if (c.merged_into)
    return (
      <p>
        This is a part of <Other uid={c.merged_into}>another incident</Other>: alerts that are found for it later are
        told there.
      </p>
    );
  return all.map((a) => {
    const r = a.regrouped;
    if (!r) return null;
    const other = <Other uid={r.other}>another incident</Other>;
    if (r.did === 'took in' && c.merged?.includes(r.other))
      return (
        <p key={a.id}>
          {visible(a.actor)} merged {other} into this one: what is found for either later is told here.
        </p>
      );
    if (r.did === 'took out' && r.alerts)
      return (
        <p key={a.id}>
          {visible(a.actor)} took {count(r.alerts)} {r.alerts === 1 ? 'alert' : 'alerts'} out into {other}: they stay
          there, whatever is concluded later, and what is found for this story later stays here.
        </p>
      );
    if (r.did === 'taken out of' && r.alerts)
      return (
        <p key={a.id}>
          {visible(a.actor)} made this of {count(r.alerts)} {r.alerts === 1 ? 'alert' : 'alerts'} of {other}: they stay
          here, whatever is concluded later.
        </p>
      );
    return null;
  });
}

/** Regrouped is a merge or a split as the activity tells it. */
export function Regrouped({ deed: r }: { deed: Schemas['Regrouped'] }) {
  const what =
    r.did === 'took out' && r.alerts
      ? `took ${count(r.alerts)} ${r.alerts === 1 ? 'alert' : 'alerts'} out into`
      : r.did === 'taken out of' && r.alerts
        ? `made this of ${count(r.alerts)} ${r.alerts === 1 ? 'alert' : 'alerts'} of`
        : {
            'took in': 'merged in',
            'merged into': 'merged this into',
            'took out': 'took out',
            'taken out of': 'took this out of',
          }[r.did];
  return (
    <>
      {what} <Other uid={r.other}>another incident</Other>
      {r.why && `: ${visible(r.why)}`}
    </>
  );
}

function Other({ uid, children }: { uid: string; children: string }) {
  return (
    <Link to="/incidents/$uid" params={{ uid }}>
      {children}
    </Link>
  );
}
