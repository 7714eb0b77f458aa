import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { api, Fault, got } from '../api/client';
import { Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { Rights } from './list';
import { accountsOf, allOr, type Role } from './rights';

/** Edit changes a person as they were read; when somebody was faster it says so, and shows the newer state. */
export function Edit({ name, close }: { name: string; close: () => void }) {
  const client = useQueryClient();
  const [fault, setFault] = useState<Error>();
  const form = useRef<HTMLFormElement>(null);
  const path = { uid: name };
  const asked = useQuery({
    queryKey: ['person', name],
    queryFn: () => got(api.GET('/api/v1/people/{uid}', { params: { path } })),
    staleTime: Number.POSITIVE_INFINITY, // what one edits does not move by itself
    gcTime: 0,
  });
  const version = asked.data?.version;
  useEffect(() => {
    if (version) form.current?.querySelector('input')?.focus();
  }, [version]);
  async function save(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const f = new FormData(e.currentTarget);
    const body = { role: String(f.get('role')) as Role, accounts: accountsOf(f.get('accounts')) };
    try {
      await got(api.PUT('/api/v1/people/{uid}', { params: { path, header: { 'If-Match': `"${version}"` } }, body }));
      close();
    } catch (err) {
      setFault(err as Error);
      if (err instanceof Fault && err.status === 412) await asked.refetch();
    }
    await client.invalidateQueries({ queryKey: ['people'] });
  }
  if (asked.error) return <Trouble error={asked.error} retry={() => asked.refetch()} />;
  const p = asked.data;
  if (!p) return <Waiting what={`Reading ${visible(name)}`} />;
  return (
    <form
      ref={form}
      key={p.version}
      className="line"
      onSubmit={save}
      aria-label={`Change ${visible(name)}`}
      onKeyDown={(e) => e.key === 'Escape' && close()}
    >
      {fault && <Trouble error={fault} />}
      <p>
        <strong>{visible(name)}</strong> is now {p.role} of {allOr(p.accounts, 'all accounts')}.
      </p>
      <Rights may={p.role as Role} accounts={p.accounts?.includes('*') ? '' : allOr(p.accounts)} />
      <Button type="submit" size="xs">
        Save
      </Button>
      <Button size="xs" variant="subtle" onClick={close}>
        Leave it
      </Button>
    </form>
  );
}
