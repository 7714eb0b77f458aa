import { Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Schemas } from '../api/client';
import { entityOf } from '../entity/kinds';
import { EntityLink } from '../entity/link';
import { plain } from '../ui/format';
import { Said, useFew } from '../ui/parts';
import { visible } from '../ui/visible';

type Part = Schemas['Part'];
type Entity = Schemas['Entity'];

/** Why shows the sum that a finding ranks by. */
export function Why({
  score,
  parts,
  steps,
}: {
  score: number;
  parts: readonly Part[] | null;
  steps?: readonly Part[] | null;
}) {
  const list = [...(parts ?? [])].sort((a, b) => b.points - a.points);
  const few = useFew(list.length, 12);
  const most = Math.max(1, ...list.map((p) => Math.abs(p.points)));
  return (
    <div className="why">
      <ul>
        {list.slice(0, few.most).map((p) => (
          <li key={p.reason}>
            <span className="points">{p.points > 0 ? `+${round(p.points)}` : round(p.points)}</span>
            <span className="weight" aria-hidden>
              <i style={{ width: `${(100 * Math.abs(p.points)) / most}%` }} />
            </span>
            <Said text={p.reason} />
          </li>
        ))}
        {few.more && <li className="more">{few.more}</li>}
        <li className="sum">
          <span className="points">{round(score)}</span> points in all
        </li>
      </ul>
      {(steps ?? []).map((s) => (
        <p key={s.reason} className="dim">
          Severity {s.points > 0 ? 'raised' : 'lowered'} one step: <Said text={s.reason} />
        </p>
      ))}
    </div>
  );
}

function round(n: number): string {
  return (Math.round(n * 10) / 10).toLocaleString('en');
}

/** Value leads to the page of the entity that it is, or to everything that mentions it where it is none. */
export function Value({ text, name, type }: { text: string; name?: string; type?: string }) {
  const entity = type && entityOf(type, text);
  if (entity) return <EntityLink entity={entity} name={name} />;
  return (
    <Tooltip label={`Everything that mentions ${visible(text.slice(0, 200))}`} multiline maw={420}>
      <Link to="/pivot" search={{ value: text }} className="value" preload={false}>
        {visible((name || text).slice(0, 160))}
      </Link>
    </Tooltip>
  );
}

function Some({ of: list }: { of: readonly Entity[] }) {
  const few = useFew(list.length, 15);
  return (
    <dd>
      {list.slice(0, few.most).map((e) => (
        <span key={e.id} className="entity">
          <Value text={e.id} type={e.type} name={e.type === 'ip' ? undefined : e.name} />
          {e.type === 'ip' && e.name && <span className="dim"> {visible(e.name)}</span>}
        </span>
      ))}
      {few.more}
    </dd>
  );
}

/** Attacks lists techniques by tactic. */
export function Attacks({ all }: { all: readonly Schemas['Attack'][] | null }) {
  const list = all ?? [];
  const few = useFew(list.length, 20);
  return (
    <ul className="attacks">
      {list.slice(0, few.most).map((a) => (
        <li key={`${a.tactic}${a.technique}`}>
          <span className="mono">{visible(a.technique ?? '')}</span> {plain(a.tactic)} {visible(a.name ?? '')}
        </li>
      ))}
      {few.more && <li>{few.more}</li>}
    </ul>
  );
}

/** Entities lists what took part, by kind. */
export function Entities({ all }: { all: readonly Entity[] | null }) {
  const kinds = new Map<string, Entity[]>();
  for (const e of all ?? []) kinds.set(e.type, [...(kinds.get(e.type) ?? []), e]);
  return (
    <dl className="facts">
      {[...kinds].map(([kind, list]) => (
        <div key={kind}>
          <dt>{plain(kind)}</dt>
          <Some of={list} />
        </div>
      ))}
    </dl>
  );
}
