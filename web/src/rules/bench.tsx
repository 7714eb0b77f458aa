import { Button, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useMay } from '../api/asks';
import { api, got, type Schemas } from '../api/client';
import { count } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Empty, Key, Panel, Said, Trouble, Waiting } from '../ui/parts';
import { Raw } from '../ui/raw';
import { visible } from '../ui/visible';
import { Trial } from './trial';

type File = Schemas['RuleFile'];
type Tried = Schemas['RuleTried'];

/** Bench is a rule's file with its tests, what it makes of a record, and what it finds in history. */
export function Bench({ rule, last }: { rule: string; last?: string }) {
  const asked = useQuery({
    queryKey: ['rules', rule, 'file'],
    queryFn: () => got(api.GET('/api/v1/rules/{uid}/file', { params: { path: { uid: rule } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const tends = useMay('tend');
  if (asked.error) return <Trouble error={asked.error} retry={() => asked.refetch()} />;
  if (!asked.data) return <Waiting what="Reading the file and running its tests" />;
  return (
    <>
      <Panel title="Text">
        <Raw value={asked.data.text} label={visible(asked.data.file)} />
        <details>
          <summary>How it is evaluated</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
          <pre className="yaml" tabIndex={0}>
            {visible(asked.data.plan, true)}
          </pre>
        </details>
      </Panel>
      <Tests file={asked.data} />
      <Explain rule={rule} example={asked.data.tests?.find((t) => t.fires)?.records?.[0]} />
      {tends && <Trial rule={rule} text={asked.data.text} last={last} />}
    </>
  );
}

/** passed says in a sentence how the tests came out. */
export function passed(tests: Tried[]): string {
  const good = tests.filter((t) => t.passed).length;
  const fire = tests.filter((t) => t.fires).length;
  const all =
    good === tests.length ? (good === 1 ? 'It passes' : `All ${good} pass`) : `${good} of ${tests.length} pass`;
  return `${all}: ${fire} on which it must fire, ${tests.length - fire} on which it must not.`;
}

function Tests({ file }: { file: File }) {
  const tests = file.tests ?? [];
  return (
    <Panel title="Tests">
      {file.broken && <Trouble error={new Error(`They could not be run: ${file.broken}`)} />}
      {!file.broken && tests.length === 0 && (
        <Empty title="No tests lie beside it">
          Write a file of the same name that ends in .test.yml: records on which it must fire, and records on which it
          must not. docs/rules.md shows how.
        </Empty>
      )}
      {tests.length > 0 && <p>{passed(tests)} They ran just now.</p>}
      <ul className="tests">
        {tests.map((t, i) => (
          <Test key={i} test={t} />
        ))}
      </ul>
    </Panel>
  );
}

function Test({ test: t }: { test: Tried }) {
  const [open, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <span className={`cell ${t.passed ? 'ok' : 'silent'}`}>{t.passed ? 'passes' : 'fails'}</span>{' '}
          {visible(t.name)} <span className="dim">{t.fires ? 'must fire' : 'must not fire'}</span>
        </summary>
        {open && (
          <>
            {t.fault && <p className="bad">{visible(t.fault)}</p>}
            {(t.said ?? []).slice(0, 5).map((s) => (
              <p key={s}>
                <Said text={s} />
              </p>
            ))}
            {(t.records ?? []).map((r, i) => (
              <Raw key={i} value={r} label={`Record ${i + 1} of ${count(t.events)}`} />
            ))}
          </>
        )}
      </details>
    </li>
  );
}

function Explain({ rule, example }: { rule: string; example?: unknown }) {
  const [records, setRecords] = useState('');
  const [open, setOpen] = useState(false);
  const [asking, setAsking] = useState('');
  const asked = useQuery({
    queryKey: ['rules', rule, 'explain', asking],
    queryFn: ({ signal }) =>
      got(
        api.POST('/api/v1/rules/{uid}/explain', {
          params: { path: { uid: rule } },
          body: { records: asking },
          signal,
        }),
      ),
    enabled: asking !== '',
    retry: false,
  });
  useKeys({ e: () => setOpen(true) });
  return (
    <Panel
      title="Explain"
      aside={
        !open && (
          <Button size="compact-xs" variant="default" onClick={() => setOpen(true)}>
            Explain a record&nbsp;<Key>e</Key>
          </Button>
        )
      }
    >
      {!open && (
        <p className="dim">Paste a record, and it says which parts of the rule hold for it and which do not.</p>
      )}
      {open && (
        <>
          <Textarea
            aria-label="Records, as their source delivers them"
            placeholder="One record or several, as their source delivers them: JSON, JSON lines, or lines of text"
            autosize
            minRows={4}
            maxRows={16}
            autoFocus
            value={records}
            onChange={(e) => setRecords(e.currentTarget.value)}
            classNames={{ input: 'mono' }}
          />
          <div className="buttons">
            <Button size="xs" disabled={records.trim() === ''} onClick={() => setAsking(records)}>
              Explain
            </Button>
            {example !== undefined && (
              <Button
                size="xs"
                variant="default"
                onClick={() => setRecords(typeof example === 'string' ? example : JSON.stringify(example, null, 2))}
              >
                Take one of its tests
              </Button>
            )}
          </div>
        </>
      )}
      {asked.isFetching && <Waiting what="Asking the rule" />}
      {asked.error && <Trouble error={asked.error} />}
      {(asked.data ?? []).map((x) => (
        <div key={x.event + x.rule} role="status">
          <p>
            <span className={`cell ${x.holds ? 'ok' : ''}`}>{x.holds ? 'holds' : 'does not hold'}</span>{' '}
            <strong>{visible(x.rule)}</strong> <span className="dim">for</span> {visible(x.operation)}{' '}
            <span className="dim mono">{visible(x.event)}</span>
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
          <pre className="yaml" tabIndex={0}>
            {visible(x.text, true)}
          </pre>
        </div>
      ))}
    </Panel>
  );
}
