import { Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { api, got, type Schemas } from '../api/client';
import { count, plain } from '../ui/format';
import { Ago, Empty, Panel, Said, Scroll, Severity, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { Bench } from './bench';
import { Tuning } from './tuning';

type Rule = Schemas['RuleRow'];

const order = ['critical', 'high', 'medium', 'low', 'informational'];

/** Rules lists all rules: how severe, whether they can see, how often they fired, and how the verdicts fell. */
export function Rules() {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const asked = useQuery({ queryKey: ['rules'], queryFn: () => got(api.GET('/api/v1/rules')) });
  const show = search.show ?? 'all';
  const words = (search.q ?? '').toLowerCase();
  const rows = (asked.data ?? [])
    .filter((r) => `${r.title} ${(r.attacks ?? []).map((a) => a.technique).join(' ')}`.toLowerCase().includes(words))
    .filter((r) => show === 'all' || (show === 'fired' ? r.alerts > 0 : r.sight === show))
    .sort(
      (a, b) =>
        b.alerts - a.alerts || order.indexOf(a.level) - order.indexOf(b.level) || a.title.localeCompare(b.title),
    );
  const narrow = (n: { q?: string; show?: string }) =>
    go({ to: '/rules', search: { q: search.q, show: search.show, ...n }, replace: true });
  return (
    <div className="page">
      <header className="page-head">
        <h1>Rules</h1>
        <span className="dim">{asked.data && `${count(rows.length)} of ${count(asked.data.length)}`}</span>
        <TextInput
          size="xs"
          aria-label="Words in the title, or a technique"
          placeholder="Words, or T1098"
          value={search.q ?? ''}
          onChange={(e) => narrow({ q: e.currentTarget.value || undefined })}
        />
        <Select
          size="xs"
          aria-label="Which rules"
          data={[
            { value: 'all', label: 'All' },
            { value: 'fired', label: 'That fired' },
            { value: 'blind', label: 'Blind: their logs do not come' },
            { value: 'sees', label: 'That see' },
          ]}
          value={show}
          allowDeselect={false}
          onChange={(v) => narrow({ show: v === 'all' ? undefined : (v ?? undefined) })}
        />
      </header>
      {asked.isPending && <Waiting what="Reading rules" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {search.rule && <One id={search.rule} row={asked.data?.find((r) => r.id === search.rule)} />}
      {asked.data && rows.length === 0 && (
        <Empty title="No rule matches">Take the words or the choice above away.</Empty>
      )}
      {rows.length > 0 && (
        <Scroll label="Rules" panel>
          <table className="grid cards">
            <thead>
              <tr>
                <th>Level</th>
                <th>Rule</th>
                <th>Tier</th>
                <th>Sight</th>
                <th className="num">Alerts</th>
                <th className="num">30 days</th>
                <th>Last fired</th>
                <th>Precision</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((r) => (
                <Row key={r.id} rule={r} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </div>
  );
}

function Row({ rule: r }: { rule: Rule }) {
  const search = useSearch({ strict: false });
  return (
    <tr>
      <td data-is="Level">
        <Severity level={r.level} />
      </td>
      <td data-is="Rule">
        <Link to="/rules" search={{ ...search, rule: r.id }}>
          {visible(r.title)}
        </Link>{' '}
        <span className="dim">{(r.attacks ?? []).map((a) => a.technique).join(' ')}</span>
      </td>
      <td data-is="Tier">{plain(visible(r.tier ?? ''))}</td>
      <td data-is="Sight">
        <span className={`cell ${r.sight === 'sees' ? 'ok' : r.sight === 'blind' ? 'silent' : ''}`}>{r.sight}</span>{' '}
        {(r.lacks ?? []).length > 0 && <span className="dim">lacks {(r.lacks ?? []).join(', ')}</span>}
      </td>
      <td data-is="Alerts" className="num">
        {count(r.alerts)}
      </td>
      <td data-is="30 days" className="num">
        {count(r.alerts_30_days)}
      </td>
      <td data-is="Last fired">
        <Ago at={r.last_fired} />
      </td>
      <td data-is="Precision">
        {r.precision == null ? <span className="dim whole">not judged</span> : `${Math.round(100 * r.precision)} %`}
      </td>
    </tr>
  );
}

/** sightSaid says whether a rule sees, and why not. */
function sightSaid(r: Rule): string {
  const list = (r.lacks ?? []).map((k) => visible(k)).join(', ');
  if (r.sight === 'blind') return `no: ${list} comes from no source`;
  if (r.sight === 'unknown') return 'not known: its format comes in, but whether these events do is not counted';
  return 'yes: every kind of log that it needs comes in';
}

function One({ id, row }: { id: string; row?: Rule }) {
  const asked = useQuery({
    queryKey: ['rules', id],
    queryFn: () => got(api.GET('/api/v1/rules/{uid}', { params: { path: { uid: id } } })),
  });
  if (asked.error) return <Trouble error={asked.error} retry={() => asked.refetch()} />;
  const r = asked.data;
  if (!r) return <Waiting what="Reading the rule" />;
  return (
    <>
      <Panel
        title={visible(row?.title ?? id)}
        aside={
          <span>
            <Link to="/alerts" search={{ rule: id, status: 'any' }}>
              its alerts
            </Link>
            {row && row.suppressed > 0 && (
              <>
                {' · '}
                <Link to="/alerts" search={{ rule: id, status: 'any', suppressed: 'yes' }}>
                  {count(row.suppressed)} hidden by filters
                </Link>
              </>
            )}
          </span>
        }
      >
        <p>
          <Said text={r.description.trim()} />
        </p>
        <dl className="facts">
          <div>
            <dt>conditions</dt>
            <dd>{(r.conditions ?? []).map((c) => plain(visible(c))).join(', ')}</dd>
          </div>
          <div>
            <dt>false positives</dt>
            <dd>{(r.false_positives ?? []).map((f) => visible(f)).join(' ')}</dd>
          </div>
          {row && (
            <div>
              <dt>tier</dt>
              <dd>{plain(visible(row.tier))}</dd>
            </div>
          )}
          {row && (
            <div>
              <dt>sees</dt>
              <dd>{sightSaid(row)}</dd>
            </div>
          )}
          {row && (
            <div>
              <dt>file</dt>
              <dd className="mono">{visible(row.file)}</dd>
            </div>
          )}
        </dl>
      </Panel>
      <Tuning rule={id} key={id} />
      <Bench rule={id} last={row?.last_fired} key={`bench ${id}`} />
    </>
  );
}
