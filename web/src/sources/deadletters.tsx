import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { api, got, type Schemas } from '../api/client';
import { count } from '../ui/format';
import { Ago, Empty, Panel, Said, Trouble, Waiting } from '../ui/parts';
import { Raw } from '../ui/raw';
import { visible } from '../ui/visible';

type DeadLetter = Schemas['DeadLetter'];

/** DeadLetters are records that could not be read: why, what they held, and how to give them in again. */
export function DeadLetters() {
  const { source } = useSearch({ strict: false }) as { source?: string };
  const asked = useQuery({
    queryKey: ['deadletters', source],
    queryFn: () => got(api.GET('/api/v1/deadletters', { params: { query: { source, limit: 200 } } })),
  });
  return (
    <div className="page">
      <header className="page-head">
        <h1>Dead letters</h1>
        {source && (
          <span className="dim">
            of {visible(source)} · <Link to="/dead-letters">of all</Link>
          </span>
        )}
      </header>
      {asked.isPending && <Waiting what="Reading dead letters" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data?.length === 0 && (
        <Empty title="Every record could be read">
          What cannot be read is kept here with the reason, and can be given in again.
        </Empty>
      )}
      {asked.data?.map((l) => (
        <One key={l.id} letter={l} />
      ))}
    </div>
  );
}

function One({ letter: l }: { letter: DeadLetter }) {
  const client = useQueryClient();
  const [said, setSaid] = useState('');
  const [fault, setFault] = useState<Error>();
  const [busy, setBusy] = useState(false);
  async function replay() {
    setBusy(true);
    try {
      const out = await got(api.POST('/api/v1/deadletters/{uid}/replay', { params: { path: { uid: l.id } } }));
      setSaid(`${count(out.records)} read, ${count(out.unreadable)} still unreadable.`);
      setFault(undefined);
      await client.invalidateQueries({ queryKey: ['deadletters'] });
    } catch (e) {
      setFault(e as Error);
    }
    setBusy(false);
  }
  return (
    <Panel
      title={visible(l.reason)}
      aside={
        <Button size="compact-sm" variant="default" onClick={replay} loading={busy} disabled={!l.raw}>
          Replay
        </Button>
      }
    >
      <p>
        <Said text={l.detail} />
      </p>
      <p className="dim">
        {visible(l.source)} · <Said text={l.object} />, record {l.record} at byte {count(l.offset)} ·{' '}
        <Ago at={l.received_at} />
        {l.replayed_at && (
          <>
            {' '}
            · replayed <Ago at={l.replayed_at} />
          </>
        )}
      </p>
      {said && <p role="status">{said}</p>}
      {fault && <Trouble error={fault} />}
      {l.raw ? (
        <Raw label="Record, as it came" value={decoded(l.raw)} />
      ) : (
        <p className="dim">Only its place is kept: give its object in again.</p>
      )}
    </Panel>
  );
}

/** decoded is what the base64 of a record holds, as text. */
function decoded(raw: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(raw), (c) => c.charCodeAt(0)));
  } catch {
    return raw;
  }
}
