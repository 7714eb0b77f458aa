import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useCallback, useEffect } from 'react';
import { useCoverage, useMay, useMe, useSources } from '../api/asks';
import { api, got } from '../api/client';
import { seen, useLive } from '../api/live';
import { count } from '../ui/format';
import { Ago, Empty, Panel, Severity, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { Day } from './day';
import { Lately } from './lately';

function useOpen() {
  return useQuery({
    queryKey: ['incidents', 'home'],
    queryFn: () => got(api.GET('/api/v1/incidents', { params: { query: { status: 'open', sort: 'rank', limit: 8 } } })),
  });
}

function useCount(
  kind: 'alerts' | 'incidents',
  query: { status?: 'open' | 'new'; assignee?: string; verdict?: 'true_positive' },
) {
  return useQuery({
    queryKey: [kind, 'count', query],
    queryFn: async () => {
      const asked = { params: { query: { ...query, limit: 1 } } };
      return (
        await got<{ total: number }>(
          kind === 'alerts' ? api.GET('/api/v1/alerts', asked) : api.GET('/api/v1/incidents', asked),
        )
      ).total;
    },
  });
}

/** Home says what needs one now, what happened in a day, and whether Tocsin sees all that it should. */
export function Home() {
  const me = useMe();
  const open = useOpen();
  const client = useQueryClient();
  const fresh = useCount('incidents', { status: 'new' });
  const mine = useCount('incidents', { status: 'open', assignee: me.data?.name ?? '-' });
  const alerts = useCount('alerts', { status: 'open' });
  const news = [...useLive().changed.values()].filter((u) => u.kind === 'incidents').length;
  const rows = open.data?.items ?? [];
  const show = useCallback(async () => {
    seen();
    await client.invalidateQueries();
  }, [client]);
  const empty = open.data !== undefined && rows.length === 0;
  useEffect(() => {
    if (empty && news > 0) show();
  }, [empty, news, show]);
  return (
    <div className="page">
      <header className="page-head">
        <h1>What needs you now</h1>
        {news > 0 && (
          <button type="button" className="news" onClick={show}>
            {count(news)} new
          </button>
        )}
      </header>
      <div className="strip">
        <Figure to="/incidents" n={open.data?.total} says="open incidents" />
        <Figure to="/incidents" search={{ status: 'new' }} n={fresh.data} says="nobody has looked at" />
        {me.data?.kind === 'person' && (
          <Figure to="/incidents" search={{ assignee: me.data.name }} n={mine.data} says="with you" />
        )}
        <Figure to="/alerts" n={alerts.data} says="open alerts" />
      </div>
      <div className="columns">
        <Panel title="The weightiest first" aside={<Link to="/incidents">all</Link>}>
          {open.isPending && <Waiting what="Reading incidents" />}
          {open.error && <Trouble error={open.error} retry={() => open.refetch()} />}
          {open.data && rows.length === 0 && (
            <Empty title="Nothing needs you">
              <p>Incidents appear here by themselves as sources deliver.</p>
              <Link to="/sources">Look at the sources</Link>
            </Empty>
          )}
          <ul className="needs">
            {rows.map((r) => (
              <li key={r.uid}>
                <Severity level={r.severity} />
                <div>
                  <Link to="/incidents/$uid" params={{ uid: r.uid }}>
                    {visible(r.headline)}
                  </Link>
                  <div className="dim">
                    {count(Math.round(r.score))} points · {count(r.alerts)} alerts ·{' '}
                    {r.assignee ? visible(r.assignee) : 'nobody works on it'}
                  </div>
                </div>
                <span className="dim">
                  <Ago at={r.last_seen} />
                </span>
              </li>
            ))}
          </ul>
        </Panel>
        <div>
          <Health />
          <Lately />
        </div>
      </div>
      <Day />
    </div>
  );
}

interface FigureProps {
  to: '/incidents' | '/alerts';
  search?: { status?: string; assignee?: string };
  n?: number;
  says: string;
}

function Figure({ to, search, n, says }: FigureProps) {
  return (
    <Link to={to} search={search ?? {}} className="figure">
      <b>{n === undefined ? '–' : count(n)}</b>
      <span>{says}</span>
    </Link>
  );
}

const fine = ['healthy', 'ok', 'learning', 'working', 'waiting', 'receiving', 'done'];

function Health() {
  const sources = useSources();
  const coverage = useCoverage();
  const tend = useMay('tend');
  const list = sources.data ?? [];
  const ill = list.filter((s) => !fine.includes(s.health?.state ?? s.state.doing) || s.health?.balanced === false);
  return (
    <Panel title="Health" aside={<Link to="/sources">sources</Link>}>
      {sources.error && <p className="dim">{sources.error.message}</p>}
      {sources.data && list.length === 0 && (
        <p>
          There is no source yet, so nothing can be seen. <code>tocsin source add</code> makes one.
        </p>
      )}
      {list.length > 0 && ill.length === 0 && (
        <p className="good">
          {list.length === 1 ? 'The source delivers' : `All ${list.length} sources deliver`}, and every record is
          accounted for.
        </p>
      )}
      {ill.map((s) => (
        <p key={s.name} className="bad">
          {visible(s.name)}: {s.health?.state ?? s.state.doing} {visible(s.state.why ?? '')}
        </p>
      ))}
      {coverage.data?.sentence && <p className="dim">{visible(coverage.data.sentence)}</p>}
      {tend && (
        <Button component={Link} to="/dead-letters" size="compact-xs" variant="subtle">
          Dead letters
        </Button>
      )}
    </Panel>
  );
}
