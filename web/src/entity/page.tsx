import { Button, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, lazy, Suspense, useEffect } from 'react';
import { api, got, type Schemas } from '../api/client';
import { Own, useOwn } from '../search/owned';
import { count, known, plain } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Empty, Key, Panel, Said, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { Heat } from './heat';
import { EntityLink } from './link';
import { Habits, Named } from './panels';
import { FindingsPanel, RiskPanel } from './risk';
import { Sql } from './sql';
import { Whom } from './whom';

type Profile = Schemas['HuntProfile'];

const Neighbourhood = lazy(() => import('./graph'));

/** EntityPage says who something is, since when, what it does, and what of that is new. */
export function EntityPage() {
  const search = useSearch({ strict: false });
  const { kind, value, from, to } = search;
  const own = useOwn();
  const asked = useQuery({
    queryKey: ['entity', kind, value, from, to, own],
    queryFn: ({ signal }) =>
      got(
        api.GET('/api/v1/entity', {
          params: { query: { kind: kind ?? '', value: value ?? '', from, to, own } },
          signal,
        }),
      ),
    enabled: !!kind && !!value,
    staleTime: 60_000,
  });
  useEffect(() => {
    if (value) document.title = `${visible(value.slice(0, 60))} · Tocsin`;
  }, [value]);
  if (!kind || !value)
    return (
      <div className="page">
        <header className="page-head">
          <h1>Entities</h1>
        </header>
        <Ask />
        <p className="dim">
          A page of anything that logs name: who stands behind it, since when, what it does, and what of that is new.
          Name it above; every such value on other pages leads here too.
        </p>
        <Whom />
      </div>
    );
  return (
    <div className="page entity-page" key={`${kind} ${value}`}>
      <Head kind={kind} value={value} />
      {asked.isPending && <Waiting what="Reading its days" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.error && <Ask />}
      {asked.data && <Told profile={asked.data} again={() => asked.refetch()} />}
    </div>
  );
}

function Head({ kind, value }: { kind: string; value: string }) {
  const go = useNavigate();
  const pivot = () => go({ to: '/pivot', search: { value } });
  useKeys({ p: pivot });
  return (
    <header className="entity-head">
      <div className="dim">{plain(visible(kind))}</div>
      <h1>
        <Said text={value} most={300} />
      </h1>
      <div className="acts">
        <Button size="xs" variant="default" onClick={pivot}>
          Everything that mentions it&nbsp;<Key>p</Key>
        </Button>
        <Button size="xs" variant="subtle" onClick={() => navigator.clipboard.writeText(value).catch(() => {})}>
          Copy value
        </Button>
        <Own to="/entity" />
      </div>
    </header>
  );
}

function Ask() {
  const go = useNavigate();
  const kinds = useQuery({
    queryKey: ['entity', 'kinds'],
    queryFn: () => got(api.GET('/api/v1/entity/kinds')),
    staleTime: Number.POSITIVE_INFINITY,
  });
  function ask(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const value = String(form.get('value')).trim();
    if (value) go({ to: '/entity', search: { kind: String(form.get('kind')), value } });
  }
  return (
    <form className="line" onSubmit={ask}>
      <TextInput
        size="xs"
        name="value"
        aria-label="Value"
        placeholder="person:ada@example.org, AKIA…, 192.0.2.1"
        maxLength={16384}
      />
      <Select
        size="xs"
        name="kind"
        aria-label="Kind"
        defaultValue="origin"
        allowDeselect={false}
        searchable
        data={(kinds.data ?? []).map((k) => ({ value: k.name, label: `${plain(k.name)}: ${k.title}` }))}
      />
      <Button size="xs" type="submit">
        Look
      </Button>
    </form>
  );
}

function Told({ profile: p, again }: { profile: Profile; again: () => void }) {
  if (p.events === 0)
    return (
      <>
        <Empty title="No event names it">
          What came in a minute ago may not be stored yet; or it is written otherwise in the logs, or of another kind.{' '}
          <button type="button" className="link" onClick={again}>
            Look again
          </button>
          ,{' '}
          <Link to="/pivot" search={{ value: p.value }}>
            look everywhere for the value
          </Link>
        </Empty>
        <Ask />
        <FindingsPanel profile={p} />
      </>
    );
  const hours = (p.panels ?? []).find((x) => x.name === 'hours');
  return (
    <>
      <Since profile={p} />
      <div className="columns">
        <div>
          <Chain profile={p} />
          <New profile={p} />
          <FindingsPanel profile={p} />
        </div>
        <RiskPanel profile={p} />
      </div>
      <Suspense fallback={<Waiting what="Fetching the picture" />}>
        <Neighbourhood kind={p.kind} value={p.value} />
      </Suspense>
      <h2 className="between">Now against normal</h2>
      {hours && <Heat panel={hours} />}
      <div className="panels">
        {(p.panels ?? []).map((x) => (
          <Habits key={x.name} panel={x} />
        ))}
      </div>
    </>
  );
}

function Since({ profile: p }: { profile: Profile }) {
  return (
    <dl className="since">
      <div>
        <dt>First seen</dt>
        <dd>
          <Time at={p.first_seen} />
        </dd>
      </div>
      <div>
        <dt>Last seen</dt>
        <dd>
          <Time at={p.last_seen} />
        </dd>
      </div>
      <div>
        <dt>Events in all</dt>
        <dd>{count(p.events)}</dd>
      </div>
      <div>
        <dt>Now</dt>
        <dd>
          {count(p.now)} <span className={p.denied > 0 ? 'bad' : 'dim'}>{count(p.denied)} denied</span>
          <div className="dim">
            <Time at={p.from} /> to <Time at={p.to} />
          </div>
        </dd>
      </div>
      <div>
        <dt>Before</dt>
        <dd>
          {count(p.support.events)} on {count(p.support.days)} days
          <div className="dim">
            since <Time at={p.baseline_from} />
          </div>
        </dd>
      </div>
    </dl>
  );
}

function Chain({ profile: p }: { profile: Profile }) {
  const origins = p.origins ?? [];
  const chain = p.chain ?? [];
  return (
    <Panel title="Who stands behind it">
      {origins.length === 0 && <p className="dim">No event says who.</p>}
      <ul className="attacks">
        {origins.slice(0, 20).map((o) => (
          <li key={o}>
            <EntityLink entity={{ kind: 'origin', value: o }} />
          </li>
        ))}
      </ul>
      {origins.length > 20 && <p className="dim">and {count(origins.length - 20)} more</p>}
      {chain.length > 0 && (
        <ol className="chain" aria-label="Role chain">
          {chain.map((l) => (
            <li key={`${l.event_uid} ${l.as}`}>
              <Time at={l.time} /> <EntityLink entity={{ kind: 'principal', value: l.by }} />{' '}
              <span className="dim">took</span> <EntityLink entity={{ kind: 'session', value: l.as }} />
              {l.access_key && (
                <>
                  {' '}
                  <span className="dim">with</span> <EntityLink entity={{ kind: 'access_key', value: l.access_key }} />
                </>
              )}
            </li>
          ))}
        </ol>
      )}
      {(p.asked ?? []).map((a) => (
        <Sql key={a.sql} asked={a} />
      ))}
    </Panel>
  );
}

function New({ profile: p }: { profile: Profile }) {
  const list = p.new ?? [];
  const titles = new Map((p.panels ?? []).map((x) => [x.name, x.title]));
  return (
    <Panel title="What is new" aside={<span className="dim">{count(list.length)}</span>}>
      {list.length === 0 && (
        <p className="dim">
          {p.support.enough
            ? 'Nothing: all of it was seen before.'
            : 'Not known: there is too little history to call anything new.'}
        </p>
      )}
      <ul className="attacks">
        {list.map((n) => (
          <li key={`${n.panel} ${n.key}`}>
            <span className="dim">{visible(titles.get(n.panel) ?? n.panel)}</span> <Named panel={n.panel} habit={n} />{' '}
            <span className="dim">
              {count(n.now)} events{known(n.first_seen) && ', first '}
              {known(n.first_seen) && <Time at={n.first_seen} />}
            </span>
          </li>
        ))}
      </ul>
      {(p.notes ?? []).map((n) => (
        <p key={n} className="dim">
          <Said text={n} />
        </p>
      ))}
    </Panel>
  );
}
