import { Button, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { useMay } from '../api/asks';
import { api, got } from '../api/client';
import { bytes, count, known } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Ago, Empty, Key, Panel, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import type { EvidenceSet } from './deeds';
import { SetPage } from './set';

/** Frozen lists the sets of evidence of an incident, and freezes it anew; the address holds which set is open. */
export function Frozen({ incident }: { incident: string }) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const asked = useQuery({
    queryKey: ['evidence', 'of', incident],
    queryFn: () => got(api.GET('/api/v1/evidence', { params: { query: { incident, deleted: true } } })),
  });
  const sets = asked.data?.items ?? [];
  const open = (id: string) =>
    go({
      to: '/incidents/$uid',
      params: { uid: incident },
      search: { tab: 'evidence', set: search.set === id ? undefined : id },
      replace: true,
      resetScroll: false,
    });
  return (
    <Panel title="Frozen as evidence" aside={<span className="dim">{asked.data && count(sets.length)}</span>}>
      {asked.isPending && <Waiting what="Reading evidence" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data && sets.length === 0 && (
        <Empty title="Nothing is frozen yet">
          A capture keeps the story and every event behind it as they are now, proven by the ledger, whatever the lake
          forgets later.
        </Empty>
      )}
      {sets.map((s) => (
        <div key={s.id} className="event">
          <button type="button" className="event-head" aria-expanded={search.set === s.id} onClick={() => open(s.id)}>
            <SetLine set={s} />
          </button>
          {search.set === s.id && <SetPage id={s.id} />}
        </div>
      ))}
      {asked.data?.next && <p className="dim">There are older ones: tocsin evidence list shows all.</p>}
      <Capture incident={incident} captured={open} />
    </Panel>
  );
}

function SetLine({ set: s }: { set: EvidenceSet }) {
  return (
    <>
      <span className="mono">{visible(s.id)}</span>
      <span>{visible(s.title.slice(0, 160))}</span>
      <span className="dim">
        {count(s.items)} items, {bytes(s.bytes)}, by {visible(s.created_by)} <Ago at={s.created_at} />
      </span>
      {known(s.deleted_at) && <span className="bad">deleted</span>}
      {known(s.held_at) && <strong>on legal hold</strong>}
      {s.problem ? (
        <span className="bad">does not verify</span>
      ) : (
        <span className={s.sealed ? 'good' : 'dim'}>{s.sealed ? 'sealed' : 'not sealed yet'}</span>
      )}
    </>
  );
}

function Capture({ incident, captured }: { incident: string; captured: (id: string) => void }) {
  const may = useMay('triage');
  const client = useQueryClient();
  const field = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Error>();
  useKeys({ c: () => field.current?.focus() }, may);
  async function capture(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = e.currentTarget;
    const why = String(new FormData(form).get('why')).trim();
    if (!why || busy) return;
    setBusy(true);
    setFault(undefined);
    try {
      const { id } = await got(api.POST('/api/v1/evidence', { body: { incident, why } }));
      form.reset();
      await client.invalidateQueries({ queryKey: ['evidence'] });
      captured(id);
    } catch (x) {
      setFault(x as Error);
    }
    setBusy(false);
  }
  if (!may) return <p className="dim">Your role reads evidence only.</p>;
  return (
    <>
      {fault && <Trouble error={fault} />}
      <form className="line" onSubmit={capture}>
        <TextInput
          ref={field}
          size="xs"
          name="why"
          aria-label="Why it is captured"
          placeholder="Why: the chain of custody keeps it"
          maxLength={4000}
          onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()}
        />
        <Button size="xs" type="submit" loading={busy}>
          Capture this incident&nbsp;<Key>c</Key>
        </Button>
      </form>
      <p className="dim">Its story as concluded, and every event as it was received.</p>
    </>
  );
}
