import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, got } from '../api/client';
import { others } from '../search/own';
import { useNow } from '../ui/clock';
import { count } from '../ui/format';
import { Panel, Trouble, Waiting } from '../ui/parts';
import { type Hour, hour, hours, says } from './hours';

/** sums and perHour count what the lake holds of the last 24 hours, by when it happened. */
const sums = `SELECT count(*) AS events, count(DISTINCT origin) AS origins, count(DISTINCT account) AS accounts,
count(*) FILTER (WHERE status = 'Failure') AS failed FROM events WHERE ${others}`;
const perHour = `SELECT epoch_ms(date_trunc('hour', time_dt)) AS hour, count(*) AS events,
count(*) FILTER (WHERE status = 'Failure') AS failed FROM events WHERE ${others} GROUP BY 1 ORDER BY 1`;

function useDay(sql: string) {
  return useQuery({
    queryKey: ['search', 'day', sql],
    queryFn: ({ signal }) => {
      const from = new Date(Math.floor(Date.now() / hour) * hour - 23 * hour).toISOString();
      return got(api.POST('/api/v1/search', { body: { sql, rows: 30, from }, signal }));
    },
    staleTime: 60_000,
    // Records are stored within a minute of their coming: until the first are, it looks again.
    refetchInterval: (q) => (Number(q.state.data?.rows?.[0]?.[0] ?? 0) > 0 ? false : 10_000),
  });
}

/** mostAlerts are asked for: an hour with more of them says so by its height all the same. */
const mostAlerts = 200;

/** Day says in a sentence and a picture what happened in 24 hours: records as bars, what was concluded from them as marks above. */
export function Day() {
  const now = useNow();
  const sum = useDay(sums);
  const bars = useDay(perHour);
  const alerts = useQuery({
    queryKey: ['alerts', 'day'],
    queryFn: () => got(api.GET('/api/v1/alerts', { params: { query: { sort: 'newest', limit: mostAlerts } } })),
  });
  const error = sum.error ?? bars.error ?? alerts.error;
  const [events, origins, accounts, failed] = (sum.data?.rows?.[0] ?? []).map(Number);
  const day = hours(now, (bars.data?.rows ?? []) as unknown[][], alerts.data?.items ?? []);
  return (
    <Panel
      title="In 24 hours"
      aside={
        <Link to="/search" search={{ from: '24h' }}>
          search
        </Link>
      }
    >
      {error && <Trouble error={error} retry={() => Promise.all([sum.refetch(), bars.refetch(), alerts.refetch()])} />}
      {sum.isPending && <Waiting what="Counting" />}
      {sum.data && events === 0 && (
        <p className="dim">No record of these hours is stored yet: what comes in is within a minute.</p>
      )}
      {sum.data && events !== 0 && (
        <p>
          <strong>{count(events ?? 0)}</strong> events of <strong>{count(origins ?? 0)}</strong> actors in{' '}
          <strong>{count(accounts ?? 0)}</strong> accounts; <strong>{count(failed ?? 0)}</strong> calls were refused or
          failed.
        </p>
      )}
      {bars.data && <Picture day={day} />}
    </Panel>
  );
}

function Picture({ day }: { day: Hour[] }) {
  const most = Math.max(...day.map((h) => h.events), 1);
  const clock = (at?: number) =>
    at === undefined ? '' : new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  return (
    <figure className="day" aria-label="Events and alerts of each hour">
      <div className="day-hours">
        {day.map((h) => (
          <Link
            key={h.at}
            to="/search"
            search={{ from: new Date(h.at).toISOString(), to: new Date(h.at + hour).toISOString() }}
            tabIndex={-1}
            className="day-hour"
            title={says(h)}
            aria-label={says(h)}
          >
            <span className="day-marks" aria-hidden>
              {h.alerts.length > 3 && <small>{h.alerts.length}</small>}
              {h.alerts.slice(0, 3).map((severity, i) => (
                <i key={i} className={`mark ${severity}`} />
              ))}
            </span>
            <span className="hist" aria-hidden>
              <i style={{ height: `${(h.events / most) * 100}%` }} data-none={h.events === 0 || undefined}>
                <b style={{ height: `${h.events ? (h.failed / h.events) * 100 : 0}%` }} />
              </i>
            </span>
          </Link>
        ))}
      </div>
      <figcaption>
        <span>{clock(day[0]?.at)}</span>
        <span>
          <i className="mark events" /> events <i className="mark failed" /> refused or failed{' '}
          <i className="mark critical" /> alerts, by severity
        </span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
