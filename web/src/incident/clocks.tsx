import type { Schemas } from '../api/client';
import { useNow } from '../ui/clock';
import { known, span } from '../ui/format';

type Decision = Schemas['Decision'];

/** clock is how long a phase took, or takes until now. */
export function clock(
  from: string | undefined,
  to: string | undefined,
  now: number,
): { seconds: number; runs: boolean } | undefined {
  if (!known(from)) return undefined;
  const end = known(to) ? Date.parse(to) : now;
  return { seconds: (end - Date.parse(from)) / 1000, runs: !known(to) };
}

/** Clocks say how long it took until somebody acknowledged, judged and closed, and which of them still run. */
export function Clocks({ decision: d }: { decision: Decision }) {
  const now = useNow();
  const all = [
    ['acknowledged', clock(d.created_at, d.acknowledged_at, now)],
    ['judged', clock(d.created_at, d.triaged_at, now)],
    ['closed', clock(d.created_at, d.closed_at, now)],
  ] as const;
  return (
    <div className="clocks">
      {all.map(
        ([name, c]) =>
          c && (
            <span key={name} className={c.runs ? 'runs' : 'stands'}>
              <b>{span(c.seconds)}</b> {c.runs ? `not ${name}` : `until ${name}`}
            </span>
          ),
      )}
    </div>
  );
}
