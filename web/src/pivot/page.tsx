import { Button, Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useMemo, useRef, useState } from 'react';
import { api, got } from '../api/client';
import { Bars } from '../entity/bars';
import { Sql } from '../entity/sql';
import { Own } from '../search/owned';
import { count } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Empty, Key, Panel, Said, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { overTime, question } from './ask';
import { Sightings } from './sightings';

/** PivotPage finds everything that mentions a value, in time, and says where it looked. */
export function PivotPage() {
  const client = useQueryClient();
  const { value, from, to, deep, own } = useSearch({ strict: false });
  const [now, setNow] = useState(Date.now());
  const asked = useMemo(() => question({ value, from, to, deep, own }, now), [value, from, to, deep, own, now]);
  const columns = usePivot({ depth: 'columns', ...asked }, !!value);
  // Columns answer at once, words of records take their time: what is in the columns is shown first.
  const inWords = !!value && !asked.depth && columns.data?.searched?.[0]?.found === 0;
  const words = usePivot({ ...asked, depth: 'records' }, inWords);
  const answer = inWords ? words : columns;
  const p = words.data ?? columns.data;
  const list = p?.sightings ?? [];
  const seen = useMemo(() => overTime(p?.sightings ?? []), [p]);
  return (
    <div className="page">
      <header className="page-head">
        <h1>Pivot</h1>
        {value && (
          <span className="mono">
            <Said text={value} most={120} />
          </span>
        )}
      </header>
      <Ask key={`${value} ${from} ${deep}`} again={() => setNow(Date.now())} />
      {!value && (
        <Empty title="Any value">
          An address, a key, a name, an id out of a record: what mentions it, in which column or word, and which alerts
          name it.
        </Empty>
      )}
      {answer.isFetching && (
        <div className="line">
          <Waiting
            what={inWords ? 'No column holds it: looking into every word of the records' : 'Looking into all columns'}
          />
          <Button size="xs" variant="default" onClick={() => client.cancelQueries({ queryKey: ['pivot'] })}>
            Cancel
          </Button>
        </div>
      )}
      {answer.error && <Trouble error={answer.error} retry={() => answer.refetch()} />}
      {p && (
        <p className="tally" role="status">
          {count(list.length)} {p.more ? 'newest sightings, and there are older ones' : 'sightings'} · {count(p.millis)}{' '}
          ms
        </p>
      )}
      {p && list.length === 0 && !answer.isFetching && (
        <Empty title="Nothing mentions it">
          What came in a minute ago may not be stored yet. Ask for a longer time, or look into the words of the records.
        </Empty>
      )}
      {list.length > 0 && (
        <>
          <Bars
            label={`Sightings by ${seen.unit}, UTC`}
            bars={seen.bars.map((b) => ({ ...b, said: `${b.name} UTC: ${count(b.value)} sightings` }))}
          />
          <Sightings list={list} />
        </>
      )}
      {p && (
        <Panel title="Where it was looked for">
          <ul className="attacks">
            {(p.searched ?? []).map((s) => (
              <li key={s.what}>
                <strong>{count(s.found)}</strong> {visible(s.what)}{' '}
                {s.why && <span className="dim">{visible(s.why)}</span>}
                {s.asked && <Sql asked={s.asked} />}
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </div>
  );
}

type Question = ReturnType<typeof question>;

function usePivot(body: Question, enabled: boolean) {
  return useQuery({
    queryKey: ['pivot', body],
    queryFn: ({ signal }) => got(api.POST('/api/v1/pivot', { body, signal })),
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

function Ask({ again }: { again: () => void }) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const field = useRef<HTMLInputElement>(null);
  useKeys({ '/': () => field.current?.focus() });
  const put = (n: { value?: string; from?: string; deep?: string }) => {
    const { value, from, to, deep, own } = search;
    again();
    go({ to: '/pivot', search: { value, from, to, deep, own, ...n } });
  };
  function ask(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const text = String(new FormData(e.currentTarget).get('value')).trim();
    if (text) put({ value: text });
  }
  return (
    <form className="line" onSubmit={ask}>
      <TextInput
        ref={field}
        size="xs"
        name="value"
        aria-label="Value"
        placeholder="192.0.2.1, AKIA…, a name"
        defaultValue={search.value ?? ''}
      />
      <Select
        size="xs"
        w={130}
        aria-label="Time"
        value={search.from ?? 'all'}
        allowDeselect={false}
        onChange={(v) => put({ from: v === 'all' ? undefined : (v ?? undefined) })}
        data={[
          { value: 'all', label: 'All time' },
          { value: '24h', label: 'Last day' },
          { value: '7d', label: 'Last 7 days' },
          { value: '30d', label: 'Last 30 days' },
          { value: '90d', label: 'Last 90 days' },
          ...(search.from && !/^\d+[hd]$/.test(search.from)
            ? [{ value: search.from, label: visible(search.from) }]
            : []),
        ]}
      />
      <Select
        size="xs"
        w={210}
        aria-label="How far to look"
        value={search.deep ?? 'auto'}
        allowDeselect={false}
        onChange={(v) => put({ deep: v === 'auto' ? undefined : (v ?? undefined) })}
        data={[
          { value: 'auto', label: 'As far as needed' },
          { value: 'columns', label: 'Columns: fast' },
          { value: 'records', label: 'And every word of records' },
        ]}
      />
      <Button size="xs" type="submit">
        Find&nbsp;<Key>enter</Key>
      </Button>
      <Own to="/pivot" on={again} />
    </form>
  );
}
