import { useQuery } from '@tanstack/react-query';
import { api, got } from '../api/client';
import { count } from '../ui/format';
import { Empty, Panel, Time, Trouble, Waiting } from '../ui/parts';
import { highest } from './highest';
import { EntityLink } from './link';

const read = 300; // of the weightiest alerts

/** Whom offers who stands highest now, where one has not said which entity. */
export function Whom() {
  const asked = useQuery({
    queryKey: ['alerts', 'highest'],
    queryFn: () => got(api.GET('/api/v1/alerts', { params: { query: { sort: 'rank', limit: read } } })),
  });
  const rows = asked.data?.items ?? [];
  const end = Math.max(0, ...rows.map((r) => Date.parse(r.last_seen))); // old logs that come today have their week too
  const list = highest(rows, end);
  return (
    <Panel title="Highest by risk of 7 days" aside={<span className="dim">points · alerts</span>}>
      {asked.isPending && <Waiting what="Reading alerts" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data && list.length === 0 && <Empty title="Nobody stands out">No alert names anybody.</Empty>}
      {list.length > 0 && (
        <p className="dim">
          Up to the last alert, <Time at={new Date(end).toISOString()} />.
        </p>
      )}
      <ol className="whom">
        {list.map((e) => (
          <li key={e.origin}>
            <EntityLink entity={{ kind: 'origin', value: e.origin }} />
            <span className="dim">
              {count(Math.round(e.points))} · {count(e.alerts)}
            </span>
          </li>
        ))}
      </ol>
      {(asked.data?.total ?? 0) > read && <p className="dim">From the {count(read)} weightiest alerts.</p>}
    </Panel>
  );
}
