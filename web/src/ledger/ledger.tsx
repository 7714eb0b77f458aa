import { Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { api, got } from '../api/client';
import { bytes, count } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Key, Panel, Said, Time, Trouble, Waiting } from '../ui/parts';
import { Raw } from '../ui/raw';
import { visible } from '../ui/visible';

/** Ledger shows the signed head of what the lake holds, and verifies it when one asks. */
export function Ledger() {
  const head = useQuery({ queryKey: ['ledger'], queryFn: () => got(api.GET('/api/v1/ledger')) });
  const verify = useMutation({ mutationFn: () => got(api.POST('/api/v1/ledger/verify', { body: {} })) });
  const r = verify.data;
  useKeys({ v: verify.isPending ? undefined : () => verify.mutate() });
  return (
    <div className="page">
      <header className="page-head">
        <h1>Ledger</h1>
        <span className="dim">
          {head.data && `${count(head.data.leaves)} leaves, signed as ${visible(head.data.origin)}`}
        </span>
        <span className="grow" />
        <Button size="xs" onClick={() => verify.mutate()} loading={verify.isPending}>
          Verify all of it now&nbsp;<Key>v</Key>
        </Button>
      </header>
      {head.isPending && <Waiting what="Reading the ledger" />}
      {head.error && <Trouble error={head.error} retry={() => head.refetch()} />}
      {verify.error && <Trouble error={verify.error} retry={() => verify.mutate()} />}
      {r && (
        <div role="status">
          <Panel title={r.clean ? 'Verified: nothing was changed' : 'It does not verify'}>
            <p className={r.clean ? 'good' : 'bad'}>
              {count(r.files_hashed)} of {count(r.files_expected)} files hashed ({bytes(r.bytes_hashed)}),{' '}
              {count(r.leaves)} leaves checked in {count(r.millis)} ms, <Time at={r.at} />.
            </p>
            <ul>
              {(r.problems ?? []).map((p) => (
                <li key={p}>
                  <Said text={p} />
                </li>
              ))}
            </ul>
          </Panel>
        </div>
      )}
      {head.data && (
        <Panel title="Head">
          <p className="dim">
            Keep the public key and a copy of a checkpoint elsewhere: with both, anybody can prove offline that nothing
            was taken away.
          </p>
          <Raw label="Checkpoint, as signed" value={head.data.checkpoint} />
          <Raw label="Public key" value={head.data.public_key} />
        </Panel>
      )}
    </div>
  );
}
