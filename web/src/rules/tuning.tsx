import { Button, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useMay, useMe } from '../api/asks';
import { api, got, type Schemas } from '../api/client';
import { Sql } from '../entity/sql';
import { count, known } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Ago, Key, Panel, Said, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { dayIn, many, type Proposal, proofOf, provenHarmless, until } from './proposal';

const usualDays = 90; // that a filter stands, unless one says otherwise

/** Tuning is what the verdicts on a rule propose, with its proof, and the filters that were accepted. */
export function Tuning({ rule }: { rule: string }) {
  const may = useMay('triage');
  const client = useQueryClient();
  const [wanted, setWanted] = useState(false);
  const asked = useQuery({
    queryKey: ['tuning', 'proposal', rule],
    queryFn: ({ signal }) => got(api.POST('/api/v1/rules/{uid}/tuning', { params: { path: { uid: rule } }, signal })),
    enabled: wanted,
    staleTime: Number.POSITIVE_INFINITY, // it reads all of history: made anew when one asks
  });
  const propose = () => {
    if (wanted) client.invalidateQueries({ queryKey: ['tuning', 'proposal', rule] });
    setWanted(true);
  };
  useKeys({ p: may ? propose : undefined });
  return (
    <Panel
      title="Tuning"
      aside={
        may && (
          <Button size="compact-xs" variant="default" loading={asked.isFetching} onClick={propose}>
            {asked.data ? 'Propose anew' : 'Propose from verdicts'}&nbsp;<Key>p</Key>
          </Button>
        )
      }
    >
      <Accepted rule={rule} />
      {!wanted && (
        <p className="dim">
          {may
            ? 'Verdicts on its alerts propose a filter for what is expected; it is proven over all of history before anybody accepts it.'
            : 'Your role does not propose filters.'}
        </p>
      )}
      {asked.isFetching && <Waiting what="Proving over all of history" />}
      {asked.error && !asked.isFetching && <Trouble error={asked.error} retry={propose} />}
      {asked.data && !asked.isFetching && <Proposed proposal={asked.data} />}
    </Panel>
  );
}

function Proposed({ proposal: p }: { proposal: Proposal }) {
  const harmless = provenHarmless(p);
  return (
    <>
      <h3>{visible(p.title)}</h3>
      <dl className="facts">
        {Object.entries(p.fields).map(([field, values]) => (
          <div key={field}>
            <dt>{visible(field)}</dt>
            <dd className="mono">
              {(values ?? []).map((v) => (
                <Said key={v} text={v} most={200} />
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <ul className={harmless ? '' : 'bad'}>
        {proofOf(p).map((s) => (
          <li key={s}>
            <Said text={s} />
          </li>
        ))}
      </ul>
      {p.proof && Object.keys(p.proof.by_origin).length > 0 && (
        <p>
          Whose it is:{' '}
          {Object.entries(p.proof.by_origin)
            .sort((a, b) => b[1] - a[1])
            .slice(0, 10)
            .map(([o, n]) => (
              <span key={o} className="entity">
                <Link to="/entity" search={{ kind: 'origin', value: o }} preload={false}>
                  {visible(o.slice(0, 120))}
                </Link>{' '}
                <span className="dim">{count(n)} </span>
              </span>
            ))}
        </p>
      )}
      <details>
        <summary>The filter in Sigma</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
        <pre className="yaml" tabIndex={0}>
          {visible(p.sigma, true)}
        </pre>
      </details>
      {p.proof && <Sql asked={p.proof.asked} />}
      {harmless && <Accept proposal={p} />}
    </>
  );
}

function Accept({ proposal: p }: { proposal: Proposal }) {
  const me = useMe().data;
  const may = useMay('tend');
  const client = useQueryClient();
  const [owner, setOwner] = useState<string>();
  const [day, setDay] = useState(dayIn(usualDays, Date.now()));
  const [fault, setFault] = useState<Error>();
  const [taken, setTaken] = useState<Schemas['Tuning']>();
  const busy = useRef(false);
  const end = until(day, Date.now());
  const who = (owner ?? me?.name ?? '').trim();
  const ready = may && who !== '' && 'expires' in end;
  async function accept() {
    if (!('expires' in end) || !ready || busy.current) return;
    busy.current = true;
    setFault(undefined);
    try {
      const body = { id: p.id, owner: who, expires: end.expires };
      setTaken(
        await got(api.POST('/api/v1/rules/{uid}/tuning/accept', { params: { path: { uid: p.rule_id } }, body })),
      );
      await client.invalidateQueries({ queryKey: ['tuning', 'accepted'] });
    } catch (e) {
      setFault(e as Error);
    }
    busy.current = false;
  }
  useKeys({ y: taken ? undefined : accept });
  if (!may) return <p className="dim">Who tends rules accepts it: an engineer or an admin.</p>;
  if (taken)
    return (
      <p className="good" role="status">
        Accepted: it takes {many(taken.suppressed_alerts, 'open alert')} out of the queue, and what comes until{' '}
        <Time at={taken.expires_at} />. They stay countable; what was judged stays as it is.
      </p>
    );
  return (
    <>
      {fault && <Trouble error={fault} />}
      <div className="line">
        <TextInput
          size="xs"
          label="Who answers for it"
          maxLength={100}
          value={owner ?? me?.name ?? ''}
          onChange={(e) => setOwner(e.currentTarget.value)}
        />
        <TextInput
          size="xs"
          type="date"
          label="Until"
          value={day}
          error={'wrong' in end ? end.wrong : undefined}
          onChange={(e) => setDay(e.currentTarget.value)}
        />
        <Button size="xs" disabled={!ready} onClick={accept}>
          Accept&nbsp;<Key>y</Key>
        </Button>
      </div>
    </>
  );
}

function Accepted({ rule }: { rule: string }) {
  const may = useMay('tend');
  const client = useQueryClient();
  const [fault, setFault] = useState<Error>();
  const asked = useQuery({ queryKey: ['tuning', 'accepted'], queryFn: () => got(api.GET('/api/v1/tunings')) });
  const list = (asked.data ?? []).filter((t) => t.rule_id === rule);
  async function finish(id: string) {
    setFault(undefined);
    try {
      await got(api.DELETE('/api/v1/tunings/{id}', { params: { path: { id } } }));
    } catch (e) {
      setFault(e as Error);
    }
    await client.invalidateQueries({ queryKey: ['tuning', 'accepted'] });
  }
  if (asked.error) return <Trouble error={asked.error} retry={() => asked.refetch()} />;
  return (
    <>
      {fault && <Trouble error={fault} />}
      {list.map((t) => {
        const over = known(t.ended_at) || Date.parse(t.expires_at) < Date.now();
        return (
          <div key={t.id} className="event">
            <strong>{visible(t.title)}</strong>{' '}
            {over ? <span className="dim">ended</span> : <span className="good">stands</span>}{' '}
            <span className="dim">
              takes {many(t.suppressed_alerts, 'alert')}; with {visible(t.owner)} since <Ago at={t.accepted_at} />,
              until <Time at={known(t.ended_at) ? t.ended_at : t.expires_at} />
            </span>
            {t.reason && <Said text={t.reason} />}
            {may && !over && (
              <Button size="compact-xs" variant="subtle" onClick={() => finish(t.id)}>
                End it
              </Button>
            )}
          </div>
        );
      })}
    </>
  );
}
