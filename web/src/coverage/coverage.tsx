import { useCoverage } from '../api/asks';
import { count } from '../ui/format';
import { Ago, Empty, Scroll, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';

/** Coverage shows which accounts and Regions are seen, silent, or were never seen. */
export function Coverage() {
  const asked = useCoverage();
  const cells = asked.data?.cells ?? [];
  const regions = [...new Set(cells.map((c) => c.region))].sort();
  const accounts = [...new Set(cells.map((c) => c.account))].sort();
  return (
    <div className="page">
      <header className="page-head">
        <h1>Coverage</h1>
        {asked.data && (
          <span className="dim">
            {count(asked.data.seen)} seen · {count(asked.data.silent)} silent · {count(asked.data.never)} expected,
            never seen
          </span>
        )}
      </header>
      {asked.isPending && <Waiting what="Reading coverage" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data?.sentence && <p>{visible(asked.data.sentence)}</p>}
      {asked.data && cells.length === 0 && (
        <Empty title="Nothing was seen yet">Accounts and Regions appear here once a source has delivered.</Empty>
      )}
      {cells.length > 0 && (
        <Scroll label="Accounts by Region" panel>
          <table className="grid cards">
            <thead>
              <tr>
                <th>Account</th>
                {regions.map((r) => (
                  <th key={r}>{visible(r) || 'no Region'}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {accounts.map((a) => {
                const own = cells.filter((c) => c.account === a);
                return (
                  <tr key={a}>
                    <th scope="row">
                      {visible(a) || 'no account'} <span className="dim">{visible(own[0]?.name ?? '')}</span>
                    </th>
                    {regions.map((r) => {
                      const here = own.filter((c) => c.region === r);
                      return (
                        <td key={r} data-is={here.length > 0 ? visible(r) || 'no Region' : undefined}>
                          {here.map((c) => (
                            <div key={c.source}>
                              <span className={`cell ${c.state}`}>{c.state}</span>{' '}
                              <span className="dim">
                                {(c.formats ?? []).join(', ')} <Ago at={c.last_seen} />
                              </span>
                            </div>
                          ))}
                        </td>
                      );
                    })}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      )}
    </div>
  );
}
