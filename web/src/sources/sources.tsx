import { Link } from '@tanstack/react-router';
import { useMay, useSources } from '../api/asks';
import type { Schemas } from '../api/client';
import { bytes, count, plain, span } from '../ui/format';
import { Ago, Empty, Panel, Said, Scroll, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';

type Source = Schemas['SourceView'];

/** Sources says how each source does: lag, volume, silence, and whether every record is accounted for. */
export function Sources() {
  const asked = useSources();
  return (
    <div className="page">
      <header className="page-head">
        <h1>Sources</h1>
      </header>
      {asked.isPending && <Waiting what="Reading the sources" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data?.length === 0 && (
        <Empty title="No source delivers yet">
          <p>A folder, a bucket or a push, by one command:</p>
          <code>tocsin source add logs --kind folder --set path=DIR</code>
        </Empty>
      )}
      {asked.data?.map((s) => (
        <One key={s.name} source={s} />
      ))}
    </div>
  );
}

function One({ source: s }: { source: Source }) {
  const tend = useMay('tend');
  const h = s.health;
  return (
    <Panel
      title={visible(s.name)}
      aside={<span className={`cell ${h?.state ?? s.state.doing}`}>{plain(h?.state ?? s.state.doing)}</span>}
    >
      {s.state.why && (
        <p className="bad">
          <Said text={s.state.why} />
        </p>
      )}
      <div className="strip">
        <Figure n={lag(h?.lag_p50_seconds)} says={`lag, half of all; 95 %: ${lag(h?.lag_p95_seconds)}`} />
        <Figure n={count(h?.day.received ?? 0)} says="records in 24 hours" />
        <Figure n={bytes(h?.day_bytes ?? 0)} says="in 24 hours" />
        <Figure n={h ? span(h.silent_seconds) : '–'} says={`silent; ${h ? span(h.allowed_seconds) : '–'} is usual`} />
        <Figure
          n={h?.parse_rate == null ? '–' : `${(h.parse_rate * 100).toFixed(2)} %`}
          says="of the records were read"
        />
      </div>
      <DoubleEntry source={s} />
      <dl className="facts">
        <Fact name="kind">{s.kind}</Fact>
        <Fact name="now">
          {s.state.doing}; last object <Ago at={s.state.last} />
        </Fact>
        {s.state.last_object && (
          <Fact name="last object">
            <Said text={s.state.last_object} />
          </Fact>
        )}
        {h && (
          <Fact name="volume">
            {h.volume.state === 'learning'
              ? 'still learning what is usual'
              : `${count(h.volume.records)} in the last hour; usual: ${count(Math.round(h.volume.low))} to ${count(Math.round(h.volume.high))}`}
          </Fact>
        )}
        {h && (
          <Fact name="price">
            about {h.price.deliver_per_month.toFixed(2)} {h.price.currency} a month to deliver,{' '}
            {h.price.store_per_month.toFixed(2)} to store
          </Fact>
        )}
        {Object.keys(s.settings).length > 0 && (
          <Fact name="settings">
            {Object.entries(s.settings)
              .map(([k, v]) => `${k}=${visible(v)}`)
              .join('  ')}
          </Fact>
        )}
      </dl>
      {(h?.streams?.length ?? 0) > 0 && <Streams list={h?.streams ?? []} />}
      {tend && (
        <p>
          <Link to="/dead-letters" search={{ source: s.name }}>
            Dead letters of this source
          </Link>
        </p>
      )}
    </Panel>
  );
}

function lag(seconds: number | null | undefined): string {
  return seconds == null ? '–' : span(seconds);
}

/** DoubleEntry shows the sum that must hold: what came in is somewhere. */
function DoubleEntry({ source: s }: { source: Source }) {
  const t = (what: string) => s.totals[what] ?? 0;
  const sum = t('stored') + t('duplicate') + t('dead') + t('dropped');
  return (
    <p className="sum">
      <strong>{count(t('received'))}</strong> received = <strong>{count(t('stored'))}</strong> stored +{' '}
      <strong>{count(t('duplicate'))}</strong> duplicate + <strong>{count(t('dead'))}</strong> dead letters +{' '}
      <strong>{count(t('dropped'))}</strong> dropped
      {sum === t('received') ? (
        <span className="good">✓ it balances</span>
      ) : (
        <span className="bad">
          {count(Math.abs(t('received') - sum))} are still on their way, or lost: it should balance within a minute
        </span>
      )}
    </p>
  );
}

function Streams({ list }: { list: readonly Schemas['Stream'][] }) {
  return (
    <details>
      <summary>{count(list.length)} streams, by account, Region and format</summary>
      <Scroll label="Streams">
        <table className="grid">
          <thead>
            <tr>
              <th>Account</th>
              <th>Region</th>
              <th>Format</th>
              <th>State</th>
              <th>Last seen</th>
              <th className="num">In 24 h</th>
              <th className="num">Lag</th>
            </tr>
          </thead>
          <tbody>
            {list.map((s) => (
              <tr key={`${s.account}/${s.region}/${s.format}`}>
                <td>{visible(s.account ?? '')}</td>
                <td>{visible(s.region ?? '')}</td>
                <td>{s.format}</td>
                <td>
                  <span className={`cell ${s.state}`}>{s.state}</span>
                </td>
                <td>
                  <Ago at={s.last_seen} />
                </td>
                <td className="num">{count(s.day.received)}</td>
                <td className="num">{lag(s.lag_p50_seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}

function Figure({ n, says }: { n: string; says: string }) {
  return (
    <div className="figure">
      <b>{n}</b>
      <span>{says}</span>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
