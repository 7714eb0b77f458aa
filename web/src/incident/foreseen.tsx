import { Button, Group, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { api, Fault, got, type Schemas } from '../api/client';
import { mine } from '../api/live';
import { decided } from '../queue/undo';
import { count, plain } from '../ui/format';
import { Said, Severity, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import type { Case } from './asks';

type Told = Schemas['Told'];
export type SplitOff = Schemas['SplitOff'];

/** Step is a merge with another incident, or a split, that somebody is about to decide. */
export type Step = { merge: string } | { split: SplitOff };

/** Regrouping is what the dialogs of a merge and a split are given. */
export interface Regrouping {
  incident: Case;
  close: () => void;
  done: () => void;
}

/** carry does it, where the incident is still as it was read, and offers to undo it. */
async function carry(c: Case, step: Step, why: string) {
  const params = { path: { uid: c.uid }, header: { 'If-Match': `"${c.decision.version}"` } };
  const asked =
    'merge' in step
      ? await api.POST('/api/v1/incidents/{uid}/merge', { params, body: { incident: step.merge, why } })
      : await api.POST('/api/v1/incidents/{uid}/split', { params, body: { ...step.split, why } });
  const made = await got(Promise.resolve(asked));
  mine(['merge' in step ? step.merge : made.uid, c.uid]);
  decided(
    asked.response.headers.get('Tocsin-Change') ?? '',
    'merge' in step
      ? 'Merged: what joins either from now on is told here'
      : 'Split: what was taken out stays out, whatever is concluded later',
  );
}

/** Foresee shows what a merge or a split would make of both incidents, asks why, and does it. */
export function Foresee({
  incident,
  step,
  back,
  done,
}: {
  incident: Case;
  step: Step;
  back: () => void;
  done: () => void;
}) {
  const [why, setWhy] = useState('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Error>();
  const asked = useQuery({
    queryKey: ['foresee', incident.uid, incident.decision.version, step],
    queryFn: () =>
      got(api.POST('/api/v1/incidents/{uid}/foresee', { params: { path: { uid: incident.uid } }, body: step })),
    staleTime: 0,
  });
  const merge = 'merge' in step;
  async function submit(e: FormEvent) {
    e.preventDefault();
    if (!why.trim() || busy) return;
    setBusy(true);
    try {
      await carry(incident, step, why.trim());
      done();
    } catch (x) {
      setFault(
        x instanceof Fault && x.status === 412
          ? new Fault(
              412,
              'Somebody else decided about this incident since you opened it. Close this, look, then do it again.',
            )
          : (x as Error),
      );
    }
    setBusy(false);
  }
  const f = asked.data;
  return (
    <form onSubmit={submit} className="decide">
      {asked.isPending && <Waiting what="Telling both anew" />}
      {asked.error && <Trouble error={asked.error} />}
      {f && (
        <div className="foreseen">
          <Words title="This incident now" told={f.now} />
          {f.other && <Words title="The other now" told={f.other} />}
          <Words title={merge ? 'Merged, this one will say' : 'This one will say'} told={f.then} than={f.now} />
          {f.part && <Words title="What is taken out will say" told={f.part} />}
        </div>
      )}
      <div className="foot">
        <p className="dim">
          {merge
            ? 'This is remembered: alerts that are found later for either are told in this incident, until somebody takes the other out again.'
            : 'This is remembered: what you take out stays out, and what is found later for the rest stays with the rest.'}
        </p>
        {fault && <Trouble error={fault} />}
        <TextInput
          label="Why"
          placeholder="The activity of both incidents says it, with your name"
          maxLength={2000}
          value={why}
          onChange={(e) => setWhy(e.currentTarget.value)}
          ref={field}
        />
        <Group justify="flex-end" mt="xs">
          <Button variant="default" onClick={back}>
            Back
          </Button>
          <Button type="submit" loading={busy} disabled={!f || !why.trim()}>
            {merge ? 'Merge' : 'Split'}
          </Button>
        </Group>
      </div>
    </form>
  );
}

/** Words is an incident in a few words; than marks what differs from another. */
function Words({ title, told: t, than }: { title: string; told: Told; than?: Told }) {
  const other = (of: (t: Told) => unknown) => (than && String(of(than)) !== String(of(t)) ? 'differs' : '');
  return (
    <section className="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <Severity level={t.severity} />
      </header>
      <p className={other((x) => x.headline)}>
        <Said text={t.headline} most={180} />
      </p>
      <dl className="facts">
        <div>
          <dt>weight</dt>
          <dd className={other((x) => Math.round(x.score))}>{count(Math.round(t.score))} points</dd>
        </div>
        <div>
          <dt>alerts</dt>
          <dd className={other((x) => x.alerts)}>{count(t.alerts)}</dd>
        </div>
        <div>
          <dt>actors</dt>
          <dd className={other((x) => (x.who ?? []).map((w) => w.id))}>
            {(t.who ?? []).map((w) => visible((w.name || w.id).slice(0, 80))).join(', ') || 'nobody known'}
          </dd>
        </div>
        <div>
          <dt>stages</dt>
          <dd className={other((x) => x.stages)}>{(t.stages ?? []).map(plain).join(' → ') || 'none'}</dd>
        </div>
        <div>
          <dt>accounts</dt>
          <dd className={other((x) => x.accounts)}>{(t.accounts ?? []).map((a) => visible(a)).join(', ')}</dd>
        </div>
        <div>
          <dt>from, to</dt>
          <dd className={other((x) => [x.first_seen, x.last_seen])}>
            <Time at={t.first_seen} /> <Time at={t.last_seen} />
          </dd>
        </div>
      </dl>
    </section>
  );
}
