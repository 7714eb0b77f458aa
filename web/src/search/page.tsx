import { Button, SegmentedControl, Select, Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useMay } from '../api/asks';
import { api, got } from '../api/client';
import { toKeep, toRule } from '../hunts/hunt';
import { bytes, count } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Empty, Key, Trouble, Waiting } from '../ui/parts';
import { listSQL, mention, narrow } from './ask';
import { Copy } from './copy';
import { Facets } from './facets';
import { Histogram } from './histogram';
import { within } from './own';
import { Own, useOwn } from './owned';
import { Results } from './results';

const spans: Record<string, number> = { '1h': 36e5, '24h': 864e5, '7d': 6048e5, '30d': 2592e6, '90d': 7776e6 };

/** useWindow is the stretch of time that is searched; what has no absolute ends begins before now, and stands still until one asks again. */
function useWindow(from: string | undefined, to: string | undefined, asked: number) {
  return useMemo(() => {
    if (!from || from === 'all') return {};
    const back = spans[from];
    if (!back) return { from, to };
    return { from: new Date(asked - back).toISOString() };
  }, [from, to, asked]);
}

/** SearchPage asks the lake: by a filter or in SQL, with how the answer spreads over time and values. */
export function SearchPage() {
  const go = useNavigate();
  const keeps = useMay('triage');
  const client = useQueryClient();
  const search = useSearch({ strict: false });
  const condition = search.filter ?? (search.mention ? mention(search.mention) : '');
  const own = useOwn();
  const whole = within(condition, own);
  const mode = search.sql !== undefined ? 'sql' : 'filter';
  const [text, setText] = useState('');
  const [asked, setAsked] = useState(Date.now());
  const bar = useRef<HTMLTextAreaElement>(null);
  useEffect(() => setText(search.sql ?? condition), [search.sql, condition]);
  const window = useWindow(search.from, search.to, asked);
  const sql = search.sql ?? listSQL(whole);
  const question = { sql, rows: 1000, ...window };
  const answer = useQuery({
    queryKey: ['search', question],
    queryFn: ({ signal }) => got(api.POST('/api/v1/search', { body: question, signal })),
    enabled: mode === 'filter' || !!search.sql,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const put = (q: { sql?: string; filter?: string }, time = { from: search.from, to: search.to }) => {
    setAsked(Date.now());
    go({ to: '/search', search: { ...q, ...time, own: search.own } });
  };
  const rule =
    keeps && (condition || search.sql)
      ? toRule({ filter: condition, whole, sql: search.sql, from: search.from })
      : undefined;
  useKeys({
    '/': () => bar.current?.focus(),
    m: rule && (() => go({ to: '/hunts', search: rule })),
  });
  const ask = () => {
    if (text.trim() === (search.sql ?? condition).trim()) client.invalidateQueries({ queryKey: ['search'] }); // the lake may hold more by now
    put(mode === 'sql' ? { sql: text } : { filter: text.trim() || undefined });
  };
  function pressed(e: KeyboardEvent) {
    if (e.key === 'Escape') bar.current?.blur();
    if (e.key !== 'Enter' || e.shiftKey || (mode === 'sql' && !e.ctrlKey && text.includes('\n'))) return;
    e.preventDefault();
    ask();
  }
  const a = answer.data;
  return (
    <div className="page search">
      <header className="page-head">
        <h1>Search</h1>
        <SegmentedControl
          size="xs"
          aria-label="Way of asking"
          value={mode}
          onChange={(m) => put(m === 'sql' ? { sql: listSQL(whole) } : { filter: condition || undefined })}
          data={[
            { value: 'filter', label: 'Filter' },
            { value: 'sql', label: 'SQL' },
          ]}
        />
        <Link to="/pivot" search={{ value: search.mention }} preload={false}>
          What mentions a value
        </Link>
        {keeps && (
          <Link to="/hunts" search={toKeep({ filter: whole, sql: search.sql, from: search.from })} preload={false}>
            Keep as a hunt
          </Link>
        )}
        {rule && (
          <Link to="/hunts" search={rule} preload={false}>
            Make a rule <Key>m</Key>
          </Link>
        )}
        <Select
          size="xs"
          aria-label="Time"
          w={130}
          data={[
            { value: 'all', label: 'All time' },
            ...Object.keys(spans).map((s) => ({ value: s, label: `Last ${s}` })),
            ...(search.to ? [{ value: search.from ?? '', label: 'As brushed' }] : []),
          ]}
          value={search.from ?? 'all'}
          allowDeselect={false}
          onChange={(v) =>
            put(mode === 'sql' ? { sql: search.sql } : { filter: condition || undefined }, {
              from: v === 'all' ? undefined : (v ?? undefined),
              to: undefined,
            })
          }
        />
        {mode === 'filter' && <Own to="/search" on={() => setAsked(Date.now())} />}
      </header>
      <div className="bar">
        <Textarea
          ref={bar}
          aria-label={mode === 'sql' ? 'SQL over events' : 'Condition over the columns of events'}
          placeholder={
            mode === 'sql'
              ? 'SELECT … FROM events'
              : "operation = 'CreateAccessKey' AND status = 'Success'   (empty: everything)"
          }
          autosize
          minRows={1}
          maxRows={12}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          onKeyDown={pressed}
          classNames={{ input: 'mono' }}
          spellCheck={false}
        />
        {answer.isFetching ? (
          <Button variant="default" onClick={() => client.cancelQueries({ queryKey: ['search'] })}>
            Cancel
          </Button>
        ) : (
          <Button onClick={ask}>
            Ask&nbsp;<Key>enter</Key>
          </Button>
        )}
      </div>
      <div className="tally" role="status">
        {answer.isFetching && 'Asking the lake…'}
        {a && !answer.isFetching && (
          <>
            {count(a.rows?.length ?? 0)}
            {a.more ? ' rows, and there are more' : ' rows'} · {bytes(a.bytes)} in {count(a.files)} files ·{' '}
            {count(a.millis)} ms
          </>
        )}
        <Copy sql={sql} filter={mode === 'sql' ? undefined : condition} whole={whole} />
      </div>
      {answer.error && <Refused error={answer.error} retry={() => answer.refetch()} />}
      {mode === 'filter' && !answer.error && (
        <Histogram
          condition={whole}
          window={window}
          brush={(from, to) => put({ filter: condition || undefined }, { from, to })}
        />
      )}
      <div className={mode === 'filter' ? 'found' : ''}>
        {mode === 'filter' && !answer.error && (
          <Facets
            condition={whole}
            window={window}
            narrow={(c, v, not) => put({ filter: narrow(condition, c, v, not) })}
          />
        )}
        <div>
          {answer.isPending && answer.isFetching && <Waiting what="Asking the lake" />}
          {a && a.rows?.length === 0 && (
            <Empty title="Nothing was found">
              <p>
                Ask for a longer time, or for less: a condition names columns, as in the examples. What came within the
                last minute may be on its way into the lake.
              </p>
              <Examples ask={(filter) => put({ filter })} />
            </Empty>
          )}
          {a && (a.rows?.length ?? 0) > 0 && (
            <Results
              found={a}
              narrow={mode === 'filter' ? (c, v) => put({ filter: narrow(condition, c, v) }) : undefined}
            />
          )}
        </div>
      </div>
    </div>
  );
}

const examples = [
  "operation = 'CreateAccessKey'",
  "status = 'Failure' AND region <> 'us-east-1'",
  "src_ip LIKE '146.%'",
  "origin LIKE 'person:%' AND operation LIKE 'Delete%'",
];

function Examples({ ask }: { ask: (filter: string) => void }) {
  return (
    <ul className="examples">
      {examples.map((e) => (
        <li key={e}>
          <button type="button" className="link mono" onClick={() => ask(e)}>
            {e}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Refused({ error, retry }: { error: Error; retry: () => void }) {
  return (
    <>
      <Trouble error={error} retry={retry} />
      <p className="dim">
        One SELECT over <code>events</code>; text stands in single quotes. Columns to begin with: time_dt, account,
        region, operation, origin, principal, src_ip, status, resource.
      </p>
    </>
  );
}
