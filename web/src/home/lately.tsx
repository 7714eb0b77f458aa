import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMay } from '../api/asks';
import { api, got, type Schemas } from '../api/client';
import { plain } from '../ui/format';
import { Ago, Panel } from '../ui/parts';
import { visible } from '../ui/visible';

type Entry = Schemas['Entry'];

const read = 300; // of the audit log's last entries

/** isDecision says whether an entry is a decision about a finding or a filter, and none that only looked. */
function isDecision(e: Entry): boolean {
  return e.outcome === 'success' && /^(incident|alert|tuning)\./.test(e.action);
}

/** Lately says what people decided last: who, what, when. It is for who may read the audit log. */
export function Lately() {
  const may = useMay('audit');
  const asked = useQuery({
    queryKey: ['audit', 'lately'],
    queryFn: () => got(api.GET('/api/v1/audit', { params: { query: { limit: read } } })),
    enabled: may,
  });
  const list = (asked.data ?? []).filter(isDecision).slice(0, 5);
  if (!may || !asked.data) return null;
  return (
    <Panel title="Decided lately" aside={<Link to="/audit">audit</Link>}>
      {list.length === 0 && <p className="dim">Nothing yet: verdicts, notes and accepted filters show here.</p>}
      <ul className="lately">
        {list.map((e) => (
          <li key={e.id}>
            {visible(e.actor)} <span className="dim">{visible(e.action.replaceAll('.', ', '))}</span> <What entry={e} />{' '}
            <span className="dim">
              <Ago at={e.at} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** told is a detail in words: a change is written into the audit log as the API took it. */
function told(detail: string): string {
  if (!detail.startsWith('{')) return detail;
  try {
    return Object.entries(JSON.parse(detail) as Record<string, unknown>)
      .map(([key, value]) => `${plain(key)}: ${plain(String(value))}`)
      .join(', ');
  } catch {
    return detail;
  }
}

function What({ entry: e }: { entry: Entry }) {
  const uid = e.object ?? '';
  const name = visible(told(e.detail || uid).slice(0, 80));
  if (e.action.startsWith('incident.'))
    return (
      <Link to="/incidents/$uid" params={{ uid }}>
        {name}
      </Link>
    );
  if (e.action.startsWith('alert.'))
    return (
      <Link to="/alerts/$uid" params={{ uid }}>
        {name}
      </Link>
    );
  return name;
}
