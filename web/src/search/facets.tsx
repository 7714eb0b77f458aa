import { useQuery } from '@tanstack/react-query';
import { api, got } from '../api/client';
import { count, plain } from '../ui/format';
import { visible } from '../ui/visible';
import { facetColumns, facetSQL } from './ask';

interface FacetsProps {
  condition: string;
  window: { from?: string; to?: string };
  narrow: (column: string, value: string | null, not: boolean) => void;
}

/** Facets count the values that one narrows by; how many different ones there are says how rare one is. */
export function Facets({ condition, window, narrow }: FacetsProps) {
  const asked = useQuery({
    queryKey: ['search', 'facets', condition, window],
    queryFn: ({ signal }) =>
      got(api.POST('/api/v1/search', { body: { sql: facetSQL(condition), rows: 200, ...window }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const rows = (asked.data?.rows ?? []) as unknown as [string, string | null, number, number][];
  return (
    <aside className="facets" aria-label="Values" aria-busy={asked.isFetching}>
      {facetColumns.map((c) => {
        const list = rows.filter((r) => r[0] === c);
        const most = Math.max(1, ...list.map((r) => r[2]));
        const kinds = list[0]?.[3] ?? 0;
        return list.length === 0 ? null : (
          <section key={c} aria-label={plain(c)}>
            <h3>
              {plain(c)} <span className="dim">{count(kinds)}</span>
            </h3>
            <ul>
              {list.map(([, v, n]) => (
                <li key={String(v)}>
                  <button type="button" onClick={() => narrow(c, v, false)} title={`Only ${v ?? 'without it'}`}>
                    <i style={{ width: `${(n / most) * 100}%` }} />
                    <span>{v === null ? 'none' : visible(v.slice(0, 80))}</span>
                    <small>{count(n)}</small>
                  </button>
                  <button
                    type="button"
                    className="not"
                    onClick={() => narrow(c, v, true)}
                    aria-label={`All but ${v ?? 'without it'}`}
                  >
                    −
                  </button>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </aside>
  );
}
