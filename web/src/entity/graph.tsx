import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { api, got } from '../api/client';
import { useOwn } from '../search/owned';
import { count, plain } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Empty, Panel, Said, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { type Graph, layout, type Node, type Placed, path } from './layout';
import { EntityLink } from './link';
import { Sql } from './sql';

/** Neighbourhood draws what an entity is tied to, and says the same in a table. */
export default function Neighbourhood({ kind, value }: { kind: string; value: string }) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const depth = ['1', '2', '3'].includes(search.depth ?? '') ? Number(search.depth) : 1;
  const table = search.view === 'table';
  const { from, to } = search;
  const own = useOwn();
  const asked = useQuery({
    queryKey: ['graph', kind, value, depth, from, to, own],
    queryFn: ({ signal }) =>
      got(api.GET('/api/v1/graph', { params: { query: { kind, value, depth, from, to, own } }, signal })),
    staleTime: 60_000,
  });
  const put = (n: { depth?: string; view?: string }) =>
    go({ to: '/entity', search: { ...search, ...n }, replace: true, resetScroll: false });
  useKeys({
    1: () => put({ depth: undefined }),
    2: () => put({ depth: '2' }),
    3: () => put({ depth: '3' }),
    t: () => put({ view: table ? undefined : 'table' }),
  });
  const g = asked.data;
  return (
    <Panel
      title="What it is tied to"
      aside={
        <span className="ways">
          <SegmentedControl
            size="xs"
            aria-label="Steps"
            value={String(depth)}
            onChange={(d) => put({ depth: d === '1' ? undefined : d })}
            data={[
              { value: '1', label: '1 step' },
              { value: '2', label: '2' },
              { value: '3', label: '3' },
            ]}
          />
          <SegmentedControl
            size="xs"
            aria-label="Way of showing"
            value={table ? 'table' : 'picture'}
            onChange={(v) => put({ view: v === 'table' ? 'table' : undefined })}
            data={[
              { value: 'picture', label: 'Picture' },
              { value: 'table', label: 'Table' },
            ]}
          />
        </span>
      }
    >
      {asked.isPending && <Waiting what="Looking for ties" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {g && (g.edges ?? []).length === 0 && (
        <Empty title="It is tied to nothing">No event of this time names it with anything else.</Empty>
      )}
      {g && (g.edges ?? []).length > 0 && (table ? <Ties graph={g} /> : <Drawn graph={g} />)}
      {g?.notes?.map((n) => (
        <p key={n} className="dim">
          <Said text={n} />
        </p>
      ))}
      {g?.asked?.map((a) => (
        <Sql key={a.sql + (a.args ?? []).join()} asked={a} />
      ))}
    </Panel>
  );
}

/** To leads to what a node stands for. */
function To({ node: n, children }: { node: Node; children: React.ReactNode }) {
  if (n.kind === 'alert')
    return (
      <Link to="/alerts/$uid" params={{ uid: n.value }} preload={false}>
        {children}
      </Link>
    );
  if (n.kind === 'incident')
    return (
      <Link to="/incidents/$uid" params={{ uid: n.value }} preload={false}>
        {children}
      </Link>
    );
  return (
    <Link to="/entity" search={{ kind: n.kind, value: n.value }} preload={false}>
      {children}
    </Link>
  );
}

const shownName = 30; // characters beside a node

function nameOf(n: Node): string {
  const name = n.name || n.value;
  const text = visible(name);
  if (text.length <= shownName) return text;
  return `${text.slice(0, 11)}…${text.slice(12 - shownName)}`; // the ends of an ARN tell more than its middle
}

function others(n: number): string {
  if (n < 0) return '';
  return n === 0 ? 'nobody else' : `${count(n)} others`;
}

function Drawn({ graph }: { graph: Graph }) {
  const p = useMemo(() => layout(graph), [graph]);
  const [at, setAt] = useState<string>();
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
      <section className="drawn" tabIndex={0} aria-label="Picture of ties; t shows them as a table">
        {/* biome-ignore lint/a11y/useSemanticElements: SVG has no field set */}
        <svg
          width={p.width}
          height={p.height}
          role="group"
          aria-label={`${count(p.nodes.length)} entities, ${count(p.edges.length)} ties`}
        >
          {p.edges.map((e) => (
            <path
              key={`${e.from} ${e.to}`}
              d={path(e.a, e.b)}
              className={`tie ${e.others === 0 ? 'rare' : ''} ${e.denied > 0 ? 'denied' : ''} ${at && at !== e.from && at !== e.to ? 'off' : ''}`}
              strokeWidth={1 + Math.min(4, Math.log10(Math.max(1, e.events)))}
            >
              <title>{`${e.tie}, ${count(e.events)} events${e.denied ? `, ${count(e.denied)} denied` : ''}; ${others(e.others)}`}</title>
            </path>
          ))}
          {p.nodes.map((n) => (
            <Dot key={n.id} node={n} look={setAt} />
          ))}
        </svg>
      </section>
      <p className="dim legend">
        Wider: more events. <b className="rare">Strong</b>: nobody else shares it. <b className="denied">Dashed</b>:
        some was denied. Hollow: not followed further.
      </p>
    </>
  );
}

function Dot({ node: n, look }: { node: Placed; look: (id: string | undefined) => void }) {
  const said = `${plain(n.kind)} ${visible(n.name || n.value)}`;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing only shows which ties are its own; the link inside is what acts
    <g
      className={`node ${n.kind} ${n.severity ?? ''} ${n.cut ? 'cut' : ''}`}
      onMouseEnter={() => look(n.id)}
      onMouseLeave={() => look(undefined)}
      onFocus={() => look(n.id)}
      onBlur={() => look(undefined)}
    >
      <To node={n}>
        <title>{`${said.slice(0, 300)}: ${count(n.events)} events; ${n.cut ? visible(n.cut) : others(n.others)}`}</title>
        <circle cx={n.x} cy={n.y} r={n.step === 0 ? 8 : 6} />
        <text x={n.x + 12} y={n.y + 4}>
          <tspan className="kind">{plain(n.kind)} </tspan>
          {nameOf(n)}
        </text>
      </To>
    </g>
  );
}

function Ties({ graph }: { graph: Graph }) {
  const nodes = new Map((graph.nodes ?? []).map((n) => [n.id, n]));
  const end = (id: string) => {
    const n = nodes.get(id);
    if (!n) return visible(id);
    return (
      <>
        <span className="dim">{plain(n.kind)}</span>{' '}
        {n.kind === 'alert' || n.kind === 'incident' ? (
          <To node={n}>{visible(n.name || n.value)}</To>
        ) : (
          <EntityLink entity={n} name={n.name} />
        )}
      </>
    );
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard
    <section className="scroll" tabIndex={0} aria-label="Table of ties">
      <table className="grid">
        <thead>
          <tr>
            <th>Who</th>
            <th>Tie</th>
            <th>What</th>
            <th className="num">Events</th>
            <th className="num">Denied</th>
            <th>Shared with</th>
            <th>First</th>
            <th>Last</th>
            <th>Calls</th>
          </tr>
        </thead>
        <tbody>
          {(graph.edges ?? []).map((e) => (
            <tr key={`${e.from} ${e.to}`}>
              <td>{end(e.from)}</td>
              <td>{visible(e.tie)}</td>
              <td>{end(e.to)}</td>
              <td className="num">{count(e.events)}</td>
              <td className="num">{count(e.denied)}</td>
              <td>{others(e.others)}</td>
              <td>
                <Time at={e.first_seen} />
              </td>
              <td>
                <Time at={e.last_seen} />
              </td>
              <td>{(e.operations ?? []).map((o) => visible(o)).join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
