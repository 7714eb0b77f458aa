import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useMay } from '../api/asks';
import { api, got } from '../api/client';
import { count, known } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Ago, Key, Panel, Said, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { DraftRule } from './draft';
import { Hits } from './hits';
import { asked, type Hunt, inSearch } from './hunt';

/** One is a hunt: what it asks, its last result, a run of it, and a rule made of it. */
export function One({ hunt: h }: { hunt: Hunt }) {
  const may = useMay('triage');
  const client = useQueryClient();
  const asking = { params: { path: { uid: h.name } } };
  const run = useMutation({
    mutationFn: () => got(api.POST('/api/v1/hunts/{uid}/run', asking)),
    onSettled: () => client.invalidateQueries({ queryKey: ['hunts'] }),
  });
  const draft = useMutation({ mutationFn: () => got(api.POST('/api/v1/hunts/{uid}/rule', asking)) });
  const go = useNavigate();
  const drafting = useSearch({ strict: false }).draft === '1' && may;
  useEffect(() => {
    if (!drafting) return;
    go({ to: '/hunts', search: { hunt: h.name }, replace: true }); // so that a reload does not draft again
    draft.mutate();
  }, [drafting, h.name, go, draft.mutate]);
  const q = asked(h.query);
  const there = inSearch(h.query);
  useKeys({
    y: may && !run.isPending ? () => run.mutate() : undefined,
    d: may && !draft.isPending ? () => draft.mutate() : undefined,
  });
  return (
    <>
      <Panel
        title={visible(h.title)}
        aside={
          there && (
            <Link to="/search" search={{ ...there, from: h.span }}>
              ask it in Search
            </Link>
          )
        }
      >
        <p>
          <Said text={h.question} />
        </p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
        <pre className="yaml" tabIndex={0}>
          {visible(q.text, true)}
        </pre>
        <p className="dim">
          {q.language}; looks back {h.span ? visible(h.span) : 'over all time'};{' '}
          {h.every ? `runs every ${visible(h.every)}` : 'runs when asked'}
          {h.notify === 'alert' && ', and more hits make an alert'}
          {h.owner && `; kept by ${visible(h.owner)}`}
        </p>
        {h.notes && <pre className="note">{visible(h.notes, true)}</pre>}
        {h.result && known(h.result.at) && (
          <p>
            Last run <Ago at={h.result.at} /> by {visible(h.result.by)}:{' '}
            {h.result.error ? (
              <span className="bad">
                <Said text={h.result.error} />
              </span>
            ) : (
              <strong>
                {count(h.result.hits)}
                {h.result.more && ' or more'} {h.result.hits === 1 ? 'hit' : 'hits'}
              </strong>
            )}
          </p>
        )}
        {may ? (
          <div className="acts">
            <Button size="xs" loading={run.isPending} onClick={() => run.mutate()}>
              Run&nbsp;<Key>y</Key>
            </Button>
            <Button size="xs" variant="default" loading={draft.isPending} onClick={() => draft.mutate()}>
              Draft a rule&nbsp;<Key>d</Key>
            </Button>
          </div>
        ) : (
          <p className="dim">Your role does not run hunts.</p>
        )}
        {run.error && <Trouble error={run.error} retry={() => run.mutate()} />}
        {draft.error && <Trouble error={draft.error} />}
      </Panel>
      {run.isPending && <Waiting what="Asking the lake" />}
      {run.data && <Hits run={run.data} />}
      {draft.data && <DraftRule draft={draft.data} />}
    </>
  );
}
